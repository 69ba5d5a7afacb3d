"""What every floor rests on: errors, processes, polling, files, words."""
