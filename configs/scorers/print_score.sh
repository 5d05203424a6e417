#!/bin/sh
# A program for the protocol `each` that knows nothing of molsieve: it is told one structure and prints a number.
structure=$1
echo "reading the structure ... done"
echo "RESULT: ${#structure} characters"
