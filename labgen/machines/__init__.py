"""The lab's machines: brought up, changed, removed, and reached."""
