"""Sources with honest probabilities, read directly from an interferometer's dirty map.

With natural weights, the likelihood of point sources given the visibilities needs nothing but the dirty map
`D` at the source positions and the dirty beam `B` at their differences,

.. math:: \\ln L = s^{-2} [ f \\cdot d - \\tfrac12 f^T G f ],  d_k = D(x_k),  G_{kl} = B(x_k - x_l)   (1)

with apparent fluxes `f` and the noise `s` of a pixel of the map. `characterise` draws sets of sources from
the posterior by reversible jumps (Green 1995, Biometrika 82, 711) and condenses them into a catalogue
(Portillo et al. 2017, AJ 154, 132). After BaSC, Hague et al. 2018.
"""

from basc.characterisation import characterise, warm_up
from basc.errors import BascError
from basc.images import DirtyMap
from basc.result import Characterisation
from basc.reweighting import to_natural

__version__ = "0.1.0"

__all__ = ["BascError", "Characterisation", "DirtyMap", "characterise", "to_natural", "warm_up"]
