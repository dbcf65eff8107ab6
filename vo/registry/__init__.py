"""The registry: what of the portal others can find in the Virtual Observatory, as records that registries harvest.

Only what everybody may see is ever in it, whoever asks.
"""
