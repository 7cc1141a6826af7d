#!/bin/sh
# The demo to its end, from a copied binary in an empty folder: without PATH, without the repository, offline. It is the
# job of README's first command, so that its cells must have the very bytes of that one's.
#
#   sh tests/acceptance/demo.sh target/debug/oddlot out
set -eu
binary=$(realpath "$1") out=$(realpath "$2") promises=$(realpath "$(dirname "$0")/sp500.sql")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$binary" "$folder/oddlot"
mkdir "$folder/empty" && cd "$folder/empty"
alone() { env -i HOME="$folder" PATH= ../oddlot "$@"; }

alone demo >../told
cat ../told
tail -n 1 ../told | grep -q '"failed":0' || { echo "the demo does not end with its result" >&2; exit 1; }
alone sql --format jsonl -f "$promises" >../broken
if [ -s ../broken ]; then cat ../broken >&2; exit 1; fi
for table in reconstructions errors anomalies events; do
    diff -rq "$out/tables/$table/pipeline=sp500" "out/tables/$table/pipeline=sp500"
done
alone demo && { echo "a second demo must not mix with the first" >&2; exit 1; }
[ $? -eq 73 ]
alone verify pipelines/sp500.toml
echo "the demo has the cells of README's first command"
