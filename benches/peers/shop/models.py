"""A product whose every change is tracked. Without the list, django-pghistory leaves deletions out."""

import pghistory
from django.db import models


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Product(models.Model):
    name = models.TextField()
    sku = models.TextField()
    description = models.TextField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    stock = models.IntegerField()
    attributes = models.JSONField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "products"
