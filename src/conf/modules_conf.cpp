#include "conf/modules_conf.hpp"

#include "conf/lamplight_conf.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::conf {

namespace {

using Row = OptionRow<ModuleRules>;

template <ModuleVerb Verb>
std::string add_rule(ModuleRules& rules, const Value& value) {
    std::string why = refuse_module(value.text);
    if (why.empty()) rules.rules.push_back({Verb, module_file_name(value.text), value.place});
    return why;
}

Row rule_row(std::string_view verb, std::string_view example, std::string_view summary,
             std::string (*set)(ModuleRules&, const Value&)) {
    return {{.section = "modules",
             .name = verb,
             .example = example,
             .summary = summary,
             .since = "0.1.0",
             .repeat = Repeat::many},
            set};
}

OptionTable<ModuleRules> make_table() {
    std::vector<Row> rows{
        {{.section = "modules",
          .name = "autoload",
          .type = ValueType::boolean,
          .fallback = "no",
          .summary = "Whether a module is loaded when the file it is configured by is there",
          .help = "As in Asterisk, a modules.conf that does not say so loads only what it names.",
          .since = "0.1.0"},
         [](ModuleRules& t, const Value& v) { return t.autoload = v.flag, std::string{}; }},
        rule_row("load", "res_corosync.so", "A module that is loaded in any case",
                 add_rule<ModuleVerb::load>),
        rule_row("noload", "res_xmpp.so", "A module that is not loaded", add_rule<ModuleVerb::noload>),
        rule_row("require", "res_corosync.so", "A module without which the daemon does not start",
                 add_rule<ModuleVerb::require>),
        rule_row("preload", "res_corosync.so", "The same as load", add_rule<ModuleVerb::load>),
        rule_row("preload-require", "res_corosync.so", "The same as require", add_rule<ModuleVerb::require>),
    };
    using enum SectionInfo::Content;
    return {
        "modules.conf",
        Owner::asterisk,
        {{"modules", options, "The .so at the end of a module's name may be left out."}, {"global", ignored}},
        std::move(rows)};
}

}  // namespace

const OptionTable<ModuleRules>& modules_table() {
    static const OptionTable<ModuleRules> table = make_table();
    return table;
}

ModuleVerdict ModuleRules::verdict(std::string_view module) const {
    const std::string file = module_file_name(module);
    const auto says = [&](ModuleVerb verb) {
        return std::any_of(rules.begin(), rules.end(),
                           [&](const ModuleRule& rule) { return rule.verb == verb && rule.module == file; });
    };
    if (says(ModuleVerb::noload)) return ModuleVerdict::exclude;
    if (says(ModuleVerb::require)) return ModuleVerdict::require;
    if (says(ModuleVerb::load)) return ModuleVerdict::load;
    return autoload ? ModuleVerdict::automatic : ModuleVerdict::exclude;
}

}  // namespace lamplight::conf
