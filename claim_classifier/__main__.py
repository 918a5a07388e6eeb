"""`python -m claim_classifier` is the command line."""

from claim_classifier.cli import main

main(prog_name="claim-classifier")
