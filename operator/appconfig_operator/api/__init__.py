"""The resource as types: the only place that knows the field names of the CRD."""
