from django.urls import path

from . import views

urlpatterns = [path("clear/", views.demo_clear, name="demo_clear")]
