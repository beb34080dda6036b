"""Learning-rate schedules, one file each: where a run stands, to the gains of its next step."""
