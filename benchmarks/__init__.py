"""Measurements that take longer than a test, and are repeated before their figures are quoted."""
