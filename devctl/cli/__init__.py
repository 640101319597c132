"""Arguments in, exit code out: flags become a request, a workflow runs, a renderer prints the outcome."""
