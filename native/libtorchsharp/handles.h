// What every entry of the C ABI shares: boxed tensor handles, and errors as a code plus a message.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>

#define TS_API extern "C" __attribute__((visibility("default")))

namespace ts {

// One box per managed Tensor object. Two managed tensors over the same data are two boxes.
struct Box {
    at::Tensor tensor;
    bool alive = true;
};
using Handle = Box*;

// Strict mode: freed boxes are kept for a while, so that reading one is recognised instead of being undefined behaviour.
extern bool strict;

Handle wrap(at::Tensor tensor);   // an undefined tensor is a null handle
[[noreturn]] void die(const std::string& message);
void set_error(std::string message);

inline const at::Tensor& unwrap(Handle handle) {
    static const at::Tensor undefined;
    if (handle == nullptr) return undefined;
    if (strict && !handle->alive) die("a tensor was used after it had been disposed or finalized");
    return handle->tensor;
}

inline std::vector<at::Tensor> unwrap_all(const Handle* handles, int64_t count) {
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (int64_t i = 0; i < count; i++) tensors.push_back(unwrap(handles[i]));
    return tensors;
}

// The text that Python shows too: libtorch's message without its C++ stack trace.
template <class F>
int32_t guarded(F&& body) noexcept {
    try {
        body();
        return 0;
    } catch (const c10::Error& e) {
        set_error(e.what_without_backtrace());
    } catch (const std::exception& e) {
        set_error(e.what());
    } catch (...) {
        set_error("unknown native error");
    }
    return 1;
}

}  // namespace ts
