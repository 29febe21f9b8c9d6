// The engine's door: backward, grad, and the node of a custom function that calls C# back.
#include "handles.h"

#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <cstdio>
#include <cstdlib>

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;
using ts::Handle;

TS_API const char* ts_last_error();

namespace {

// What C# gives once. A managed exception never comes out of `apply`: the callback ends the process itself.
struct Callbacks {
    // Fills at most `capacity` raw gradient handles into `out`, which stay owned by C#; returns how many.
    int32_t (*apply)(void* node, const Handle* gradients, int32_t count, Handle* out, int32_t capacity);
    void (*deleted)(void* node);
    void (*collect)();  // strict mode: a full collection with finalizers
};
Callbacks callbacks{};

struct CSharpNode : torch::autograd::Node {
    explicit CSharpNode(void* managed_) : managed(managed_) {}

    // The name that anomaly mode shows for a custom function.
    std::string name() const override { return "CSharpNode"; }

    variable_list apply(variable_list&& gradients) override {
        std::vector<Handle> in;
        in.reserve(gradients.size());
        for (auto& gradient : gradients) in.push_back(ts::wrap(gradient));
        std::vector<Handle> out(num_outputs());
        const auto count = callbacks.apply(managed, in.data(), static_cast<int32_t>(in.size()), out.data(), static_cast<int32_t>(out.size()));
        // Managed code has returned and holds nothing for us: what it did not keep alive may be gone now.
        if (ts::strict) callbacks.collect();
        variable_list result;
        result.reserve(count);
        for (int32_t k = 0; k < count; k++) result.push_back(ts::unwrap(out[k]));
        return result;
    }

    void* managed;
};

// C# keeps the strong reference only while apply() builds the graph; the weak one for the node's life.
struct NodeReference {
    std::shared_ptr<CSharpNode> strong;
    std::weak_ptr<CSharpNode> weak;
};

}  // namespace

TS_API void ts_autograd_callbacks(const Callbacks* given) { callbacks = *given; }

TS_API NodeReference* ts_node_new(void* managed) {
    NodeReference* reference = nullptr;
    ts::guarded([&] {
        std::shared_ptr<CSharpNode> node(new CSharpNode(managed), [](CSharpNode* dying) {
            callbacks.deleted(dying->managed);
            torch::autograd::deleteNode(dying);  // unlinks long chains without recursion
        });
        reference = new NodeReference{node, node};
    });
    return reference;
}
TS_API void ts_node_release_strong(NodeReference* node) { node->strong.reset(); }
TS_API void ts_node_release(NodeReference* node) { delete node; }

TS_API int32_t ts_node_set_next_edges(NodeReference* node, const Handle* inputs, int64_t count, int32_t executable) {
    return ts::guarded([&] {
        auto edges = executable ? torch::autograd::collect_next_edges(ts::unwrap_all(inputs, count)) : torch::autograd::edge_list();
        auto strong = node->weak.lock();
        strong->set_next_edges(std::move(edges));
        strong->clear_input_metadata();
    });
}

// Attaches the raw outputs of forward to the node (null when nothing is to be recorded). `results` has room for `output_count` handles.
TS_API int32_t ts_node_wrap_outputs(NodeReference* node, const Handle* inputs, int64_t input_count, const Handle* non_differentiable,
                                    int64_t non_differentiable_count, const Handle* dirty, int64_t dirty_count, const Handle* outputs,
                                    int64_t output_count, Handle* results) {
    return ts::guarded([&] {
        if (ts::strict) callbacks.collect();
        auto vars = ts::unwrap_all(inputs, input_count);
        std::vector<c10::optional<at::Tensor>> raw;
        for (int64_t k = 0; k < output_count; k++) raw.emplace_back(ts::unwrap(outputs[k]));
        std::unordered_set<at::TensorImpl*> no_gradient;
        for (int64_t k = 0; k < non_differentiable_count; k++) no_gradient.insert(ts::unwrap(non_differentiable[k]).unsafeGetTensorImpl());
        std::unordered_set<at::TensorImpl*> changed;
        for (int64_t k = 0; k < dirty_count; k++) {
            auto* impl = ts::unwrap(dirty[k]).unsafeGetTensorImpl();
            impl->bump_version();
            changed.insert(impl);
        }
        auto no_jvp = [](variable_list, variable_list) -> variable_list {
            TORCH_CHECK(false, "jvp is not implemented for custom functions");
        };
        auto wrapped = torch::autograd::_wrap_outputs(vars, no_gradient, changed, raw, node == nullptr ? nullptr : node->weak.lock(), no_jvp);
        for (int64_t k = 0; k < output_count; k++) results[k] = wrapped[k].has_value() ? ts::wrap(*wrapped[k]) : nullptr;
    });
}

TS_API SavedVariable* ts_saved_new(Handle tensor, NodeReference* node) {
    SavedVariable* saved = nullptr;
    ts::guarded([&] {
        const auto& variable = ts::unwrap(tensor);
        const bool is_output = node->weak.lock().get() == variable.grad_fn().get();
        saved = new SavedVariable(variable, is_output);
    });
    return saved;
}
TS_API Handle ts_saved_unpack(SavedVariable* saved, NodeReference* node) {
    Handle result = nullptr;
    ts::guarded([&] { result = ts::wrap(saved->unpack(node->weak.lock())); });
    return result;
}
TS_API void ts_saved_release(SavedVariable* saved) { delete saved; }

TS_API int32_t ts_backward(const Handle* tensors, int64_t count, const Handle* gradients, int64_t gradient_count, int32_t retain_graph,
                           int32_t create_graph, const Handle* inputs, int64_t input_count) {
    return ts::guarded([&] {
        torch::autograd::backward(ts::unwrap_all(tensors, count), ts::unwrap_all(gradients, gradient_count), retain_graph != 0,
                                  create_graph != 0, ts::unwrap_all(inputs, input_count));
    });
}

// TorchSharp does not catch here, so an error is the end of the process.
TS_API void ts_grad(const Handle* outputs, int64_t output_count, const Handle* inputs, int64_t input_count, const Handle* gradients,
                    int64_t gradient_count, int32_t retain_graph, int32_t create_graph, int32_t allow_unused, Handle* results) {
    const auto failed = ts::guarded([&] {
        auto result = torch::autograd::grad(ts::unwrap_all(outputs, output_count), ts::unwrap_all(inputs, input_count),
                                            ts::unwrap_all(gradients, gradient_count), retain_graph != 0, create_graph != 0, allow_unused != 0);
        for (size_t k = 0; k < result.size(); k++) results[k] = ts::wrap(std::move(result[k]));
    });
    if (failed) {
        std::fprintf(stderr, "terminate called after throwing an instance of 'c10::Error'\n  what():  %s\n", ts_last_error());
        std::fflush(stderr);
        std::abort();
    }
}

TS_API Handle ts_get_grad(Handle h) {
    Handle result = nullptr;
    ts::guarded([&] { result = ts::wrap(ts::unwrap(h).grad()); });
    return result;
}
TS_API int32_t ts_set_grad(Handle h, Handle gradient) {
    return ts::guarded([&] { ts::unwrap(h).mutable_grad() = ts::unwrap(gradient); });
}
TS_API int32_t ts_set_requires_grad(Handle h, int32_t on) {
    return ts::guarded([&] { ts::unwrap(h).set_requires_grad(on != 0); });
}
TS_API int32_t ts_retain_grad(Handle h) {
    return ts::guarded([&] { ts::unwrap(h).retain_grad(); });
}

TS_API int32_t ts_anomaly_enabled() { return torch::autograd::AnomalyMode::is_enabled(); }
TS_API int32_t ts_anomaly_checks_nan() { return torch::autograd::AnomalyMode::should_check_nan(); }
TS_API void ts_set_anomaly(int32_t on, int32_t check_nan) { torch::autograd::AnomalyMode::set_enabled(on != 0, check_nan != 0); }
