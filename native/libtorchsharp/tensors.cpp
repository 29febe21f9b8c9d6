// Tensor handles, cheap queries, shared memory, generators, threads, modes: what is no operator.
#include "handles.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/NamedTensorUtils.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>

namespace ts {

bool strict = false;

namespace {
thread_local std::string last_error;
std::mutex graveyard_mutex;
std::deque<Handle> graveyard;  // strict mode only: the last freed boxes, oldest first
constexpr size_t graveyard_size = 1 << 16;
}  // namespace

void set_error(std::string message) { last_error = std::move(message); }

void die(const std::string& message) {
    std::fprintf(stderr, "TorchSharp stand-in, strict mode: %s\n", message.c_str());
    std::fflush(stderr);
    std::abort();
}

Handle wrap(at::Tensor tensor) { return tensor.defined() ? new Box{std::move(tensor)} : nullptr; }

}  // namespace ts

using ts::Handle;

TS_API const char* ts_last_error() { return ts::last_error.c_str(); }
TS_API void ts_set_strict(int32_t on) { ts::strict = on != 0; }

TS_API void ts_release(Handle handle) {
    if (handle == nullptr) return;
    if (!ts::strict) {
        delete handle;
        return;
    }
    Handle oldest = nullptr;
    if (!handle->alive) ts::die("a tensor handle was released twice");
    handle->alive = false;
    handle->tensor.reset();
    {
        std::lock_guard<std::mutex> lock(ts::graveyard_mutex);
        ts::graveyard.push_back(handle);
        if (ts::graveyard.size() > ts::graveyard_size) {
            oldest = ts::graveyard.front();
            ts::graveyard.pop_front();
        }
    }
    delete oldest;
}

TS_API Handle ts_alias_handle(Handle handle) { return ts::wrap(ts::unwrap(handle)); }

// --- queries: no allocation, no callback, so that C# may call them without a GC transition ---

TS_API int32_t ts_dtype(Handle h) { return static_cast<int32_t>(ts::unwrap(h).scalar_type()); }
TS_API int64_t ts_numel(Handle h) { return ts::unwrap(h).numel(); }
TS_API int64_t ts_ndim(Handle h) { return ts::unwrap(h).dim(); }
TS_API int64_t ts_element_size(Handle h) { return static_cast<int64_t>(ts::unwrap(h).element_size()); }
TS_API int32_t ts_is_contiguous(Handle h) { return ts::unwrap(h).is_contiguous(); }
TS_API int32_t ts_requires_grad(Handle h) { return ts::unwrap(h).requires_grad(); }
TS_API int32_t ts_is_leaf(Handle h) { return ts::unwrap(h).is_leaf(); }
TS_API int64_t ts_storage_offset(Handle h) { return ts::unwrap(h).storage_offset(); }
TS_API int32_t ts_is_sparse(Handle h) { return ts::unwrap(h).is_sparse(); }
TS_API int32_t ts_device_type(Handle h) { return static_cast<int32_t>(ts::unwrap(h).device().type()); }
TS_API int32_t ts_device_index(Handle h) { return ts::unwrap(h).device().index(); }

// The sizes (or strides) into `out`, which has room for ts_ndim values.
TS_API void ts_sizes(Handle h, int64_t* out) {
    auto sizes = ts::unwrap(h).sizes();
    std::copy(sizes.begin(), sizes.end(), out);
}
TS_API void ts_strides(Handle h, int64_t* out) {
    auto strides = ts::unwrap(h).strides();
    std::copy(strides.begin(), strides.end(), out);
}

// dim may be negative. Returns INT64_MIN and sets no error when it is out of range: ts_check_dim says it in libtorch's words.
TS_API int64_t ts_size(Handle h, int64_t dim) {
    auto sizes = ts::unwrap(h).sizes();
    const auto n = static_cast<int64_t>(sizes.size());
    const auto d = dim < 0 ? dim + n : dim;
    return d < 0 || d >= n ? INT64_MIN : sizes[d];
}
TS_API int64_t ts_stride(Handle h, int64_t dim) {
    auto strides = ts::unwrap(h).strides();
    const auto n = static_cast<int64_t>(strides.size());
    const auto d = dim < 0 ? dim + n : dim;
    return d < 0 || d >= n ? INT64_MIN : strides[d];
}
TS_API int32_t ts_check_dim(Handle h, int64_t dim) {
    return ts::guarded([&] { ts::unwrap(h).size(dim); });
}

TS_API void* ts_data_ptr(Handle h) {
    void* p = nullptr;
    ts::guarded([&] { p = ts::unwrap(h).data_ptr(); });
    return p;
}
TS_API void* ts_storage_ptr(Handle h, int64_t* bytes) {
    void* p = nullptr;
    ts::guarded([&] {
        *bytes = static_cast<int64_t>(ts::unwrap(h).storage().nbytes());
        p = ts::unwrap(h).storage().data();
    });
    return p;
}

// --- memory that C# owns: `release(cookie)` runs when the last tensor over it dies, on whichever thread that is ---

TS_API Handle ts_from_blob(void* data, const int64_t* sizes, int64_t ndim, int32_t dtype, void (*release)(void*), void* cookie) {
    Handle result = nullptr;
    ts::guarded([&] {
        auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
        result = ts::wrap(at::from_blob(data, at::IntArrayRef(sizes, ndim), [release, cookie](void*) { release(cookie); }, options));
    });
    return result;
}

// --- names ---

static std::vector<at::Dimname> dimnames(const char* const* names, int64_t count) {
    std::vector<at::Dimname> list;
    for (int64_t k = 0; k < count; k++)
        list.push_back(names[k] == nullptr ? at::Dimname::wildcard() : at::Dimname::fromSymbol(at::Symbol::dimname(names[k])));
    return list;
}
TS_API int32_t ts_set_names(Handle h, const char* const* names, int64_t count) {
    return ts::guarded([&] { at::internal_set_names_inplace(const_cast<at::Tensor&>(ts::unwrap(h)), at::DimnameList(dimnames(names, count))); });
}
// The last of `names` is the name of the flattened dimension.
TS_API Handle ts_flatten_names(Handle h, const char* const* names, int64_t count) {
    Handle result = nullptr;
    ts::guarded([&] {
        auto list = dimnames(names, count);
        auto out = list.back();
        list.pop_back();
        result = ts::wrap(ts::unwrap(h).flatten(list, out));
    });
    return result;
}

// --- generators ---

TS_API at::Generator* ts_generator_default() { return new at::Generator(at::detail::getDefaultCPUGenerator()); }
TS_API at::Generator* ts_generator_new(uint64_t seed) {
    auto generator = at::detail::createCPUGenerator();
    generator.set_current_seed(seed);
    return new at::Generator(generator);
}
TS_API void ts_generator_release(at::Generator* generator) { delete generator; }
TS_API uint64_t ts_generator_initial_seed(at::Generator* generator) { return generator->current_seed(); }
TS_API int32_t ts_generator_manual_seed(at::Generator* generator, uint64_t seed) {
    return ts::guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        generator->set_current_seed(seed);
    });
}
TS_API uint64_t ts_generator_seed(at::Generator* generator) {
    std::lock_guard<std::mutex> lock(generator->mutex());
    return generator->seed();
}
TS_API Handle ts_generator_get_state(at::Generator* generator) {
    Handle result = nullptr;
    ts::guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        result = ts::wrap(generator->get_state());
    });
    return result;
}
TS_API int32_t ts_generator_set_state(at::Generator* generator, Handle state) {
    return ts::guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        generator->set_state(ts::unwrap(state));
    });
}

// --- threads, modes ---

TS_API int32_t ts_get_num_threads() { return at::get_num_threads(); }

// The libtorch that TorchSharp ships calls MKL, whose threads this sets too. Debian's calls OpenBLAS, which has a pool of its own.
TS_API int32_t ts_set_num_threads(int32_t n) {
    return ts::guarded([&] {
        at::set_num_threads(n);
        static void* openblas = dlopen("libopenblas.so.0", RTLD_LAZY | RTLD_NOLOAD);
        static auto set = openblas == nullptr ? nullptr : reinterpret_cast<void (*)(int)>(dlsym(openblas, "openblas_set_num_threads"));
        if (set != nullptr) set(n);
    });
}
TS_API int32_t ts_get_num_interop_threads() { return at::get_num_interop_threads(); }
TS_API int32_t ts_set_num_interop_threads(int32_t n) { return ts::guarded([&] { at::set_num_interop_threads(n); }); }

TS_API int32_t ts_is_grad_enabled() { return c10::GradMode::is_enabled(); }
TS_API void ts_set_grad_enabled(int32_t on) { c10::GradMode::set_enabled(on != 0); }
TS_API int32_t ts_is_inference_mode() { return c10::InferenceMode::is_enabled(); }
TS_API c10::InferenceMode* ts_inference_mode_enter(int32_t on) { return new c10::InferenceMode(on != 0); }
TS_API void ts_inference_mode_leave(c10::InferenceMode* guard) { delete guard; }
