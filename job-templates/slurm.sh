#!/bin/sh
# {title}
# By hand: sbatch {file}
{directives}
{setup}
# The worker takes the place of this shell, so it gets the signals itself and its exit code is the job's.
exec {command}
