#include "line_editor.hpp"

#include "console/words.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cwchar>
#include <utility>

namespace lamplight::app {

namespace {

constexpr int history_lines = 1'000;

std::string common_begin(const std::vector<std::string>& words) {
    std::string common = words.front();
    for (const auto& word : words) {
        const auto [end, other] = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
        common.erase(end, common.end());
    }
    return common;
}

/// As many columns as 80 characters hold.
std::string in_columns(const std::vector<std::string>& words) {
    std::size_t width = 0;
    for (const auto& word : words)
        width = std::max(width, word.size() + 2);
    const std::size_t columns = std::max<std::size_t>(1, 80 / width);
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool last = (i + 1) % columns == 0 || i + 1 == words.size();
        out += last ? words[i] + '\n' : fmt::format("{:<{}}", words[i], width);
    }
    if (!out.empty()) out.pop_back();
    return out;
}

}  // namespace

LineEditor::LineEditor(Hooks hooks, const std::filesystem::path& history_file)
    : hooks_(std::move(hooks)),
      history_file_(history_file.string()),
      edit_(el_init("lamplight", stdin, stdout, stderr)),
      history_(history_init()) {
    HistEvent event{};
    history(history_, &event, H_SETSIZE, history_lines);
    history(history_, &event, H_SETUNIQUE, 1);
    if (!history_file_.empty()) history(history_, &event, H_LOAD, history_file_.c_str());
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(edit_, EL_SIGNAL, 1);  // an interrupted console leaves the terminal as it was
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_PROMPT, &on_prompt);
    el_set(edit_, EL_HIST, history, history_);
    el_wset(edit_, EL_GETCFN, &on_read);
    el_set(edit_, EL_ADDFN, "lamplight-complete", "Complete the word", &on_complete);
    el_set(edit_, EL_ADDFN, "lamplight-help", "Say what can follow", &on_help);
    el_set(edit_, EL_BIND, "^I", "lamplight-complete", nullptr);
    el_set(edit_, EL_BIND, "?", "lamplight-help", nullptr);
    el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

LineEditor::~LineEditor() {
    history_end(history_);
    el_end(edit_);
}

LineEditor& LineEditor::self(EditLine* edit) {
    void* data = nullptr;
    el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<LineEditor*>(data);
}

char* LineEditor::on_prompt(EditLine* edit) {
    auto& editor = self(edit);
    editor.prompt_ = editor.hooks_.prompt();
    return editor.prompt_.data();
}

int LineEditor::on_read(EditLine* edit, wchar_t* character) {
    return self(edit).read_character(character);
}
unsigned char LineEditor::on_complete(EditLine* edit, int) {
    return self(edit).complete();
}
unsigned char LineEditor::on_help(EditLine* edit, int) {
    return self(edit).help();
}

std::optional<std::string> LineEditor::read_line() {
    int count = 0;
    editing_ = true;
    const char* text = el_gets(edit_, &count);
    editing_ = false;
    if (text == nullptr || count <= 0) return std::nullopt;
    std::string line(text, static_cast<std::size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) remember(line);
    return line;
}

/// The file is written with every line, so that a console that is killed keeps them.
void LineEditor::remember(const std::string& line) {
    HistEvent event{};
    history(history_, &event, H_ENTER, line.c_str());
    if (!history_file_.empty()) history(history_, &event, H_SAVE, history_file_.c_str());
}

void LineEditor::show(const std::string& line) {
    // Carriage return and "erase to the end of the line": prompt and begun line make room.
    std::fputs(fmt::format("{}{}\n", editing_ ? "\r\x1b[K" : "", line).c_str(), stdout);
    std::fflush(stdout);
    shown_ = true;
}

int LineEditor::read_character(wchar_t* character) {
    for (;;) {
        const int news = hooks_.descriptor();
        pollfd ready[2] = {{STDIN_FILENO, POLLIN, 0}, {news, POLLIN, 0}};
        const int count = ::poll(ready, 2, news < 0 ? 1'000 : -1);
        if (count < 0 && errno != EINTR) return -1;
        if (count < 0) continue;
        if (news < 0 ? count == 0 : ready[1].revents != 0) {
            shown_ = false;
            if (!hooks_.on_news()) return 0;
            if (std::exchange(shown_, false)) el_set(edit_, EL_REFRESH);
        }
        if (ready[0].revents == 0) continue;
        if (const int taken = take_byte(character); taken != 0) return taken < 0 ? 0 : taken;
    }
}

/// 1 when a character is whole, 0 when more bytes are needed, -1 at the end of input.
int LineEditor::take_byte(wchar_t* character) {
    char byte = 0;
    const auto size = ::read(STDIN_FILENO, &byte, 1);
    if (size < 0 && errno == EINTR) return 0;
    if (size <= 0) return -1;
    bytes_ += byte;
    std::mbstate_t state{};
    const auto used = std::mbrtowc(character, bytes_.data(), bytes_.size(), &state);
    if (used == static_cast<std::size_t>(-2) && bytes_.size() < 8) return 0;
    if (used == static_cast<std::size_t>(-1) || used == static_cast<std::size_t>(-2))
        *character = static_cast<wchar_t>(static_cast<unsigned char>(bytes_[0]));
    bytes_.clear();
    return 1;
}

std::string LineEditor::line_before_cursor() const {
    const LineInfo* line = el_line(edit_);
    return {line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)};
}

unsigned char LineEditor::complete() {
    const std::string line = line_before_cursor();
    const auto words = hooks_.complete(line);
    const bool redraw = std::exchange(shown_, false);
    if (words.empty()) return redraw ? CC_REDISPLAY : CC_ERROR;
    const std::string begun = console::split_begun(line).begun;
    const std::string common = common_begin(words);
    if (words.size() > 1 && common.size() <= begun.size()) {
        show("\n" + in_columns(words));
        shown_ = false;
        return CC_REDISPLAY;
    }
    // What stands before a bracket still open goes on without a blank: `DEVICE_STATE(Custom:`.
    replace_begun(begun, common, words.size() == 1 && common.back() != ':');
    return redraw ? CC_REDISPLAY : CC_REFRESH;
}

void LineEditor::replace_begun(const std::string& begun, const std::string& word, bool whole) {
    const std::string line = line_before_cursor();
    const std::string typed = console::quoted_word(word);
    if (line.ends_with(begun) && typed == word) {
        el_insertstr(edit_, word.substr(begun.size()).c_str());
    } else if (whole) {
        const auto blank = line.rfind(line.find('"') != std::string::npos ? '"' : ' ');
        el_deletestr(edit_, static_cast<int>(line.size() - (blank == std::string::npos ? 0 : blank + 1)));
        el_insertstr(edit_, line.find('"') != std::string::npos ? typed.substr(1).c_str() : typed.c_str());
    }
    if (whole) el_insertstr(edit_, " ");
}

unsigned char LineEditor::help() {
    const std::string line = line_before_cursor();
    std::string text = hooks_.help(line);
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    if (text.empty()) {
        const auto words = hooks_.complete(line);
        text = words.empty() ? "Nothing known can follow." : in_columns(words);
    }
    show(prompt_ + line + "?\n" + text);
    shown_ = false;
    return CC_REDISPLAY;
}

}  // namespace lamplight::app
