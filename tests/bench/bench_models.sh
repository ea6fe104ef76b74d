#!/bin/bash
# Projects of up to 10,000 models: see bench_models.py.
set -u
exec /usr/bin/python3 "$(dirname "$0")/bench_models.py"
