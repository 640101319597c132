"""Pure decisions and data; the ports that workflows see."""
