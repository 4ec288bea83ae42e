"""Chart views over the submissions of a form (specification 003, C48 to C50).

Not called `views`: in this project that is the name of modules with pages.
"""
