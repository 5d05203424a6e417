#!/bin/sh
# The rows of molsieve's `null` scorer: a slice of a library on standard input, the ordinal of its first record as the argument.
exec awk -F '\t' -v ordinal="$1" '{ print ordinal++ "," $2 ",OK," }'
