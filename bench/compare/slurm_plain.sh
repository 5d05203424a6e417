#!/bin/sh
# What a person writes without molsieve: an array over slices of the library, and a job that joins what came of it.
#
#   slurm_plain.sh LIBRARY OUT_DIR TASKS RECORDS_A_TASK RUNNING SCORER…
#
# SCORER gets a slice on its standard input, and the ordinal of the first record as its last argument. Nothing is kept of a task
# that was killed, nobody counts, and a task that failed leaves the joined file without its rows.
set -eu
library=$1 out=$2 tasks=$3 records=$4 running=$5
shift 5
mkdir -p "$out"
scorer=
for word; do scorer="$scorer '$word'"; done
cat >"$out/array.sh" <<END
#!/bin/sh
#SBATCH --array=0-$((tasks - 1))%$running
#SBATCH --ntasks=1 --cpus-per-task=1 --mem=100M --time=60
#SBATCH --output=$out/array.out --open-mode=append
first=\$((SLURM_ARRAY_TASK_ID * $records + 1))
last=\$((first + $records - 1))
sed -n "\${first},\${last}p;\${last}q" '$library' | $scorer "\$((first - 1))" >'$out/'\$SLURM_ARRAY_TASK_ID.part
mv '$out/'\$SLURM_ARRAY_TASK_ID.part '$out/'\$SLURM_ARRAY_TASK_ID.rows
END
cat >"$out/join.sh" <<END
#!/bin/sh
#SBATCH --ntasks=1 --cpus-per-task=1 --mem=100M --time=60 --output=$out/join.out
for task in \$(seq 0 $((tasks - 1))); do cat '$out/'\$task.rows; done >'$out/summary.part'
mv '$out/summary.part' '$out/summary.csv'
END
array=$(sbatch --parsable "$out/array.sh")
sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes "$out/join.sh" >/dev/null
