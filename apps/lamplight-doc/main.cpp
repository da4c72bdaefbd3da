// Prints sample files and the manual pages of the configuration from the tables of options. It runs while
// Lamplight is built and is not installed.
#include "conf/ais_conf.hpp"
#include "conf/asterisk_conf.hpp"
#include "conf/corosync_conf.hpp"
#include "conf/extensions_conf.hpp"
#include "conf/jabber_conf.hpp"
#include "conf/lamplight_conf.hpp"
#include "conf/logger_conf.hpp"
#include "conf/modules_conf.hpp"
#include "conf/print.hpp"

#include <tl/expected.hpp>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace {

using namespace lamplight::conf;

const FileTable* find_table(std::string_view file) {
    const std::array<const FileTable*, 9> tables{&lamplight_table().info,
                                                 &asterisk_table().info,
                                                 &logger_table().info,
                                                 &modules_table().info,
                                                 &extensions_table().info,
                                                 &corosync_table().info,
                                                 &ais_table().info,
                                                 &jabber_table(JabberFile::jabber_conf).info,
                                                 &jabber_table(JabberFile::xmpp_conf).info};
    for (const FileTable* table : tables)
        if (table->file == file) return table;
    return nullptr;
}

enum class Output { sample, manual };

/// The options of the table that `@OPTIONS:file@` names.
tl::expected<std::string, std::string> options_of(std::string_view file, Output output) {
    const FileTable* table = find_table(file);
    if (table == nullptr) return tl::unexpected("there is no table of " + std::string(file));
    return output == Output::sample ? sample_text(*table) : manual_text(*table);
}

void replace_version(std::string& text, std::string_view version) {
    constexpr std::string_view marker = "@VERSION@";
    for (std::size_t at = text.find(marker); at != text.npos; at = text.find(marker, at))
        text.replace(at, marker.size(), version);
}

/// Puts the tables' text where a line `@OPTIONS:file@` stands.
tl::expected<std::string, std::string> fill_in(std::string text, Output output, std::string_view version) {
    constexpr std::string_view marker = "@OPTIONS:";
    replace_version(text, version);
    for (std::size_t at = text.find(marker); at != text.npos; at = text.find(marker, at)) {
        const std::size_t name = at + marker.size();
        const std::size_t end = text.find("@\n", name);
        if (end == text.npos)
            return tl::unexpected(std::string("a marker @OPTIONS: does not end its line with @"));
        const auto options = options_of(std::string_view(text).substr(name, end - name), output);
        if (!options) return options;
        text.replace(at, end + 2 - at, *options);
    }
    return text;
}

int fail(const std::string& why) {
    std::fprintf(stderr, "lamplight-doc: %s\n", why.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return fail("usage: lamplight-doc {sample|man} VERSION TEMPLATE OUTPUT");
    const std::string_view kind = argv[1];
    if (kind != "sample" && kind != "man") return fail("the first argument is sample or man");
    std::ifstream in(argv[3], std::ios::binary);
    if (!in) return fail(std::string(argv[3]) + " cannot be read");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto result = fill_in(text, kind == "sample" ? Output::sample : Output::manual, argv[2]);
    if (!result) return fail(std::string(argv[3]) + ": " + result.error());
    std::ofstream out(argv[4], std::ios::binary);
    out << *result << std::flush;
    return out ? 0 : fail(std::string(argv[4]) + " cannot be written");
}
