extern "C" int nowhere();

/// For a module that does not call nowhere() itself.
extern "C" int through() {
    return nowhere();
}
