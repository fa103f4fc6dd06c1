# For the scripts of recipes, which source it.

run() { # print a command, so that each step can be typed by hand, and run it
    printf '\n$ %s\n' "$*"
    "$@"
}
