"""The practice lab: simulated servers on loopback; imports nothing of the agent."""
