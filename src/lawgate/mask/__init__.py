"""Detectors, validators and operators, over whole text, JSON and streams; pure."""
