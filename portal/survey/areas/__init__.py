"""Who works where: areas of surveyors, what they may reach, refusals and why (specification 004, LBAC)."""
