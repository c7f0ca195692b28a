//! Runs real JVMs with the agent and reads back what it wrote.
