"""Sabotage: faults put into a lab that is right, on real nodes, each with the verdicts that it must turn.

``python -m tests.e2e.sabotage`` (``make sabotage``) brings a lab up, commits each fault, grades, and compares. A
fault that turns another check, or the right one to another verdict, is a failure; so is a check that no fault
turns.
"""
