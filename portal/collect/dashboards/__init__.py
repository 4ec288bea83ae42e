"""Dashboards: chart views on a grid."""
