#pragma once

#include "login_driver.hpp"
#include "scram_server.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

/// Recorded dialogues (tests/data/xmpp/logins), played to a Login.
namespace lamplight::c2s::test {

struct Dialogue {
    std::string title;               ///< the remark before the connection
    std::vector<std::string> lines;  ///< `C: …`, `S: …`
};

/// Of one file, a connection each.
inline std::vector<Dialogue> read_dialogues(const std::string& server, const std::string& file) {
    std::ifstream in(std::filesystem::path(LAMPLIGHT_TEST_DATA) / "xmpp/logins" / server / file);
    std::vector<Dialogue> out;
    std::string title;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("# --- connection"))
            out.push_back({title, {}});
        else if (line.starts_with("# ") && !line.starts_with("# ("))
            title = line.substr(2);
        else if (line.starts_with('#'))
            continue;
        else if (line.size() > 3 && !out.empty())
            out.back().lines.push_back(line);
    }
    return out;
}

/// The `number`th of that title.
inline Dialogue find_dialogue(const std::string& server, const std::string& file, const std::string& title,
                              std::size_t number = 0) {
    for (const Dialogue& each : read_dialogues(server, file))
        if (each.title == title && number-- == 0) return each;
    throw std::runtime_error("no dialogue `" + title + "` in " + server + "/" + file);
}

/// Says what the recorded client said, whatever the challenge; for the recorded mechanism only.
class RecordedFactory final : public SaslFactory {
public:
    explicit RecordedFactory(const Dialogue& dialogue) {
        for (const std::string& line : dialogue.lines) {
            const auto name = line.find("mechanism='");
            if (line.starts_with("C: <auth") && mechanism_.empty())
                mechanism_ = line.substr(name + 11, line.find('\'', name + 11) - name - 11);
            if (!line.starts_with("C: <auth") && !line.starts_with("C: <response")) continue;
            const auto begin = line.find('>') + 1;
            answers_.emplace_back(
                line.find('<', begin) == std::string::npos
                    ? std::string()
                    : from_base64(std::string_view(line).substr(begin, line.find('<', begin) - begin)));
        }
    }
    std::unique_ptr<Sasl> make(std::string_view mechanism, const Account& /*account*/) override {
        if (mechanism != mechanism_) return nullptr;
        return std::make_unique<FakeSasl>(std::string(mechanism), answers_,
                                          tl::expected<void, Sasl::Refusal>());
    }
    std::string legacy_digest(std::string_view stream_id, const Account& account) override {
        return make_gsasl()->legacy_digest(stream_id, account);
    }

private:
    std::string mechanism_;
    FakeSasl::Answers answers_;
};

/// What became of a Login that heard what the recorded client heard.
struct Played {
    Login::Output last;
    std::size_t same = 0;  ///< of its sayings that the recorded client said, too
    std::string other;     ///< the first that it did not, where the playing ends
    std::string recorded;  ///< instead
    std::vector<Login::Output::Line> lines;
};

class Player {
public:
    Player(const Account& account, SaslFactory& factory) : driver_(account, factory) {}

    Played play(const Dialogue& dialogue) {
        take(driver_.connect());
        for (const std::string& line : dialogue.lines) {
            if (is_over_) break;
            if (line.starts_with("C: "))
                compare(line.substr(3));
            else
                hear(line.substr(3));
        }
        if (!is_over_) played_.other = pending_;
        played_.lines = driver_.lines();
        return played_;
    }

private:
    static std::string id_of(const std::string& text) {
        const auto at = text.find(" id='");
        return at == std::string::npos ? "" : text.substr(at + 5, text.find('\'', at + 5) - at - 5);
    }
    /// Without id and `to`, which each client writes as it likes.
    static std::string shape_of(std::string text) {
        for (const std::string_view name : {" id='", " to='"}) {
            const auto at = text.find(name);
            if (!text.starts_with("<iq") || at == std::string::npos) continue;
            text.erase(at, text.find('\'', at + name.size()) + 1 - at);
        }
        return text;
    }
    void compare(const std::string& recorded) {
        if (shape_of(pending_) != shape_of(recorded)) {
            played_.other = pending_;
            played_.recorded = recorded;
            is_over_ = true;
            return;
        }
        ++played_.same;
        their_id_ = id_of(recorded);
        our_id_ = id_of(pending_);
        pending_.clear();
    }
    void hear(std::string text) {
        if (text == "</stream:stream>") return take(driver_.closed());
        if (const std::string theirs = " id=\"" + their_id_ + "\""; !their_id_.empty()) {
            if (const auto at = text.find(theirs); at != std::string::npos)
                text.replace(at, theirs.size(), " id=\"" + our_id_ + "\"");
        }
        take(driver_.say(text));
    }
    void take(const Login::Output& output) {
        using Act = Login::Output::Act;
        played_.last = output;
        pending_ += output.send;
        if (output.act == Act::start_tls) pending_ += driver_.encrypted().send;
        is_over_ = output.act == Act::fail || output.act == Act::bound;
    }

    Driver driver_;
    Played played_;
    std::string pending_, their_id_, our_id_;
    bool is_over_ = false;
};

}  // namespace lamplight::c2s::test
