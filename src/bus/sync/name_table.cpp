#include "bus/sync/name_table.hpp"

namespace lamplight::bus::sync {

void NameTable::use(std::uint32_t table) {
    if (table == table_) return;
    clear();
    table_ = table;
}

void NameTable::clear() {
    pages_.clear();
    names_.clear();
}

NameTable::Entry NameTable::find(std::uint32_t id) const {
    const std::size_t page = id / page_size;
    if (page >= pages_.size() || !pages_[page]) return {};
    const std::uint32_t value = (*pages_[page])[id % page_size];
    switch (value) {
        case unknown:
            return {};
        case refused:
            return {Meaning::refused, {}, nullptr};
        case named:
            return {Meaning::named, {}, &names_.at(id)};
        default:
            return {Meaning::device, state::DeviceId{value}, nullptr};
    }
}

void NameTable::define(std::uint32_t id, state::DeviceId device) {
    set(id, state::index_of(device));
}

void NameTable::define_name(std::uint32_t id, std::string_view name) {
    set(id, named);
    names_[id] = name;
}

void NameTable::define_refused(std::uint32_t id) {
    set(id, refused);
}

void NameTable::set(std::uint32_t id, std::uint32_t value) {
    const std::size_t page = id / page_size;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (!pages_[page]) {
        pages_[page] = std::make_unique<Page>();
        pages_[page]->fill(unknown);
    }
    std::uint32_t& held = (*pages_[page])[id % page_size];
    if (held == named) names_.erase(id);
    held = value;
}

void NameTable::forget(const std::vector<state::DeviceForgotten>& devices, const state::Engine& engine) {
    if (devices.empty() || pages_.empty()) return;
    boost::unordered_flat_map<std::uint32_t, const std::string*> gone;
    for (const state::DeviceForgotten& device : devices) {
        if (engine.find_device(device.name) == device.device) continue;
        const auto [at, fresh] = gone.emplace(state::index_of(device.device), &device.name);
        if (!fresh && (at->second == nullptr || *at->second != device.name)) at->second = nullptr;
    }
    if (gone.empty()) return;
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        if (!pages_[page]) continue;
        for (std::uint32_t i = 0; i < page_size; ++i) {
            std::uint32_t& held = (*pages_[page])[i];
            if (held >= named) continue;
            const auto found = gone.find(held);
            if (found == gone.end()) continue;
            held = found->second == nullptr ? unknown : named;  // two names in one batch: which, nobody knows
            if (held == named) names_[static_cast<std::uint32_t>(page * page_size + i)] = *found->second;
        }
    }
}

}  // namespace lamplight::bus::sync
