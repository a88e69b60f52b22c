"""From a formula to a design: its terms, their columns, and the levels and centres learned."""
