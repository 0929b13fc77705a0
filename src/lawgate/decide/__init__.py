"""Purposes, policy and risk: may this request go, and why. Pure."""
