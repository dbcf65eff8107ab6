from django.urls import path

from vo import vosi

urlpatterns = [
    path("availability", vosi.availability, name="vosi-availability"),
    path("capabilities", vosi.capabilities, name="vosi-capabilities"),
]
