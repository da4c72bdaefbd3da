#include "sim/bus.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lamplight::sim {

ProcessId ModelBus::join(const std::string& host, BusListener& listener, std::string label) {
    const ProcessId id{static_cast<std::uint32_t>(processes_.size())};
    processes_.push_back({host, std::move(label), &listener, false, false, {}, {}});
    if (down_.erase(host) != 0) {
        auto components = wanted_components();
        components.erase(host);
        change_components(std::move(components), times_.merge);
    }
    enqueue({Item::Kind::join, id, {}, {}, {}, 0, 0}, times_.delay);
    return id;
}

void ModelBus::end(ProcessId process, state::Departure departure) {
    at(process).listener = nullptr;
    enqueue({Item::Kind::gone, process, departure, {}, {}, 0, 0},
            departure == state::Departure::left ? times_.delay : times_.failure);
}

void ModelBus::host_down(const std::string& host) {
    for (Process& process : processes_) {
        if (process.host != host || !process.listener) continue;
        process.listener = nullptr;
        process.unplugged = true;
    }
    down_.insert(host);
    auto components = wanted_components();
    int last = 0;
    for (const auto& [other, component] : components)
        last = std::max(last, component);
    components[host] = last + 1;
    components_[component_of(host)].frozen = true;
    change_components(std::move(components), times_.detection);
}

void ModelBus::send(ProcessId from, std::optional<ProcessId> to, std::vector<std::uint8_t> frame,
                    std::uint64_t token) {
    enqueue({Item::Kind::frame, from, {}, to, std::move(frame), token, 0}, times_.delay);
}

void ModelBus::partition(const std::vector<std::vector<std::string>>& groups) {
    std::map<std::string, int> components;
    int number = 0;
    for (const auto& group : groups) {
        ++number;
        for (const std::string& host : group)
            components[host] = number;
    }
    for (const Process& process : processes_) {
        if (!components.contains(process.host)) components[process.host] = ++number;
    }
    for (const Process& process : processes_)
        components_[component_of(process.host)].frozen = true;
    change_components(std::move(components), times_.detection);
}

void ModelBus::heal() {
    std::map<std::string, int> components;
    int number = 0;
    for (const std::string& host : down_)
        components[host] = ++number;
    change_components(std::move(components), times_.merge);
}

/// Those of the installation under way, if there is one.
std::map<std::string, int> ModelBus::wanted_components() const {
    return next_ ? *next_ : component_;
}

bool ModelBus::connected(ProcessId left, ProcessId right) const {
    const auto frozen = components_.find(component_of(at(left).host));
    if (frozen != components_.end() && frozen->second.frozen) return false;
    return at(left).member && at(right).member && same_component(left, right);
}

/// One order for all: nothing overtakes.
void ModelBus::enqueue(Item item, Duration delay) {
    item.order = items_++;
    if (times_.jitter > Duration::zero()) {
        delay += Duration{
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(times_.jitter.count()) + 1))};
    }
    last_arrival_ = std::max(last_arrival_, scheduler_.now() + delay);
    scheduler_.at(last_arrival_, [this, item = std::move(item)]() mutable { arrive(std::move(item)); });
}

void ModelBus::arrive(Item item) {
    Component& component = components_[component_of(at(item.process).host)];
    if (component.frozen) {
        component.waiting.push_back(std::move(item));
    } else {
        happen(item);
    }
}

void ModelBus::happen(const Item& item) {
    if (item.kind == Item::Kind::frame) {
        happen_frame(item);
        return;
    }
    const bool joins = item.kind == Item::Kind::join;
    if (joins && !at(item.process).listener) return;  // died before it was in
    at(item.process).member = joins;
    for (std::uint32_t i = 0; i < processes_.size(); ++i) {
        const ProcessId id{i};
        if (id == item.process || !at(id).listener || !at(id).member || !same_component(id, item.process))
            continue;
        if (joins) {
            tell_membership(id);
        } else if (at(id).present.erase(item.process) + at(id).silent.erase(item.process) != 0) {
            at(id).listener->on_gone(item.process, item.departure);
        }
    }
    if (joins) tell_membership(item.process);
}

void ModelBus::happen_frame(const Item& item) {
    bool reached = false;
    for (std::uint32_t i = 0; i < processes_.size(); ++i) {
        const ProcessId id{i};
        const bool addressed = !item.to || *item.to == id;
        if (id == item.process || !addressed || !at(id).listener || !at(id).present.contains(item.process))
            continue;
        reached = true;
        at(id).listener->on_frame(item.process, item.frame);
    }
    BusListener* sender = at(item.process).listener;
    if (!sender) return;
    if (reached || !item.to) {
        sender->on_sent(item.token);
    } else {
        sender->on_lost(item.token);
    }
}

void ModelBus::change_components(std::map<std::string, int> components, Duration delay) {
    next_ = std::move(components);
    scheduler_.after(delay, [this, number = ++installation_] {
        if (number == installation_) install();
    });
}

/// The new membership; what waited for it follows in each sender's own component.
void ModelBus::install() {
    std::vector<Item> waiting;
    for (auto& [id, component] : components_) {
        std::ranges::move(component.waiting, std::back_inserter(waiting));
    }
    components_.clear();
    component_ = *std::exchange(next_, std::nullopt);
    std::ranges::sort(waiting, {}, &Item::order);
    for (Process& process : processes_) {
        if (process.unplugged) process.member = false;
    }
    for (std::uint32_t i = 0; i < processes_.size(); ++i) {
        if (processes_[i].listener && processes_[i].member) tell_membership(ProcessId{i});
    }
    for (const Item& item : waiting)
        happen(item);
}

/// Compares what a process saw with what there is.
void ModelBus::tell_membership(ProcessId id) {
    const std::set<ProcessId> before = at(id).present;
    for (ProcessId peer : before) {
        if (at(peer).member && same_component(id, peer)) continue;
        at(id).present.erase(peer);
        at(id).silent.insert(peer);
        at(id).listener->on_gone(peer, state::Departure::silent);
    }
    for (std::uint32_t i = 0; i < processes_.size(); ++i) {
        const ProcessId peer{i};
        if (peer == id || !at(peer).member || !same_component(id, peer) || at(id).present.contains(peer))
            continue;
        at(id).present.insert(peer);
        if (at(id).silent.erase(peer) != 0) {
            at(id).listener->on_present(peer);
        } else {
            at(id).listener->on_joined(peer, at(peer).label);
        }
    }
}

int ModelBus::component_of(const std::string& host) const {
    const auto found = component_.find(host);
    return found == component_.end() ? 0 : found->second;
}

bool ModelBus::same_component(ProcessId left, ProcessId right) const {
    return component_of(at(left).host) == component_of(at(right).host);
}

}  // namespace lamplight::sim
