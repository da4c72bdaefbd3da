extern "C" int nowhere() {
    return 7;
}
