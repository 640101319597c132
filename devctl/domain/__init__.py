"""Pure decisions and data, and the ports that workflows see."""
