extern "C" int not_a_plugin() {
    return 7;
}
