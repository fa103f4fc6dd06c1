"""What every room uses: errors, files, paths, threads, compiled functions."""
