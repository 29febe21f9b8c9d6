// Operators by name: one boxed call serves every operator that libtorch's dispatcher knows.
#include "handles.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <cstdlib>
#include <cstring>

namespace {

enum Tag : int32_t { None, Tensor, Int, Double, Bool, Complex, IntList, DoubleList, BoolList, TensorList, String, Device, Generator };

// Same layout as the C# struct. Lists: pointer and count. Complex: the second double in `count`.
struct Value {
    int32_t tag;
    int32_t extra;  // device index
    union {
        int64_t i;
        double d;
        void* p;
    };
    union {
        int64_t count;
        double imaginary;
    };
};
static_assert(sizeof(Value) == 24, "the C# struct has 24 bytes");

// What the schema wants at a position, with `?` stripped.
enum class Kind { Any, Tensor, Float, Number, Int, IntList, DoubleList, OptionalTensorList };

Kind kind_of(c10::TypePtr type) {
    bool required = true;
    if (auto optional = type->cast<c10::OptionalType>()) {
        type = optional->getElementType();
        required = false;
    }
    switch (type->kind()) {
        case c10::TypeKind::TensorType: return required ? Kind::Tensor : Kind::Any;
        case c10::TypeKind::FloatType: return Kind::Float;
        case c10::TypeKind::NumberType: return Kind::Number;
        case c10::TypeKind::IntType:
        case c10::TypeKind::SymIntType: return Kind::Int;
        case c10::TypeKind::ListType: {
            auto element = type->castRaw<c10::ListType>()->getElementType();
            switch (element->kind()) {
                case c10::TypeKind::IntType:
                case c10::TypeKind::SymIntType: return Kind::IntList;
                case c10::TypeKind::FloatType: return Kind::DoubleList;
                case c10::TypeKind::OptionalType: return Kind::OptionalTensorList;
                default: return Kind::Any;
            }
        }
        default: return Kind::Any;
    }
}

// A null where a tensor must be: C# throws its own exception for it.
struct NullTensor {};

struct Operator {
    c10::OperatorHandle handle;
    std::vector<Kind> kinds;
    std::vector<c10::optional<c10::IValue>> defaults;
    std::string name;
};

c10::IValue to_ivalue(const Value& v, Kind kind) {
    switch (v.tag) {
        case None:
            if (kind == Kind::Tensor) throw NullTensor{};
            return {};
        case Tensor: return ts::unwrap(static_cast<ts::Handle>(v.p));
        case Int:
            if (kind == Kind::Float) return static_cast<double>(v.i);
            if (kind == Kind::IntList) return c10::List<int64_t>({v.i});
            if (kind == Kind::DoubleList) return c10::List<double>({static_cast<double>(v.i)});
            return v.i;
        case Double: return v.d;
        case Bool: return v.i != 0;
        case Complex: return c10::complex<double>(v.d, v.imaginary);
        case IntList: {
            auto* p = static_cast<const int64_t*>(v.p);
            c10::List<int64_t> list;
            list.reserve(v.count);
            for (int64_t k = 0; k < v.count; k++) list.push_back(p[k]);
            return list;
        }
        case DoubleList: {
            auto* p = static_cast<const double*>(v.p);
            c10::List<double> list;
            list.reserve(v.count);
            for (int64_t k = 0; k < v.count; k++) list.push_back(p[k]);
            return list;
        }
        case BoolList: {
            auto* p = static_cast<const int64_t*>(v.p);
            c10::List<bool> list;
            for (int64_t k = 0; k < v.count; k++) list.push_back(p[k] != 0);
            return list;
        }
        case TensorList: {
            auto* p = static_cast<const ts::Handle*>(v.p);
            if (kind == Kind::OptionalTensorList) {
                c10::List<c10::optional<at::Tensor>> list;
                for (int64_t k = 0; k < v.count; k++)
                    list.push_back(p[k] == nullptr ? c10::optional<at::Tensor>() : ts::unwrap(p[k]));
                return list;
            }
            c10::List<at::Tensor> list;
            list.reserve(v.count);
            for (int64_t k = 0; k < v.count; k++) list.push_back(ts::unwrap(p[k]));
            return list;
        }
        case String: return std::string(static_cast<const char*>(v.p), v.count);
        case Device: return c10::Device(static_cast<c10::DeviceType>(v.i), static_cast<c10::DeviceIndex>(v.extra));
        case Generator: return *static_cast<at::Generator*>(v.p);
    }
    TORCH_CHECK(false, "unknown argument tag ", v.tag);
}

Value to_value(c10::IValue&& v) {
    Value r{};
    if (v.isTensor()) {
        r.tag = Tensor;
        r.p = ts::wrap(std::move(v).toTensor());
    } else if (v.isTensorList()) {
        auto list = v.toTensorVector();
        auto* handles = static_cast<ts::Handle*>(std::malloc(sizeof(ts::Handle) * (list.size() + 1)));
        for (size_t k = 0; k < list.size(); k++) handles[k] = ts::wrap(std::move(list[k]));
        r.tag = TensorList;
        r.p = handles;
        r.count = static_cast<int64_t>(list.size());
    } else if (v.isInt()) {
        r.tag = Int;
        r.i = v.toInt();
    } else if (v.isDouble()) {
        r.tag = Double;
        r.d = v.toDouble();
    } else if (v.isBool()) {
        r.tag = Bool;
        r.i = v.toBool();
    } else if (v.isComplexDouble()) {
        auto c = v.toComplexDouble();
        r.tag = Complex;
        r.d = c.real();
        r.imaginary = c.imag();
    } else {
        TORCH_CHECK(v.isNone(), "an operator returned a ", v.tagKind(), ", which no caller can take");
        r.tag = None;
    }
    return r;
}

}  // namespace

// "add.Tensor" or "aten::add.Tensor"; null and an error if there is none.
TS_API void* ts_operator(const char* full_name) {
    void* result = nullptr;
    ts::guarded([&] {
        std::string name(full_name);
        if (name.find("::") == std::string::npos) name = "aten::" + name;
        std::string overload;
        auto dot = name.find('.');
        if (dot != std::string::npos) {
            overload = name.substr(dot + 1);
            name = name.substr(0, dot);
        }
        auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name.c_str(), overload.c_str());
        auto op = std::make_unique<Operator>(Operator{handle, {}, {}, full_name});
        for (const auto& argument : handle.schema().arguments()) {
            op->kinds.push_back(kind_of(argument.type()));
            op->defaults.push_back(argument.default_value());
        }
        result = op.release();
    });
    return result;
}

// Missing trailing arguments take the schema's defaults. No capacity: the results are dropped. Returns the number of results,
// -1 and an error, or -2 for a null tensor.
TS_API int32_t ts_call(void* operator_, const Value* args, int32_t count, Value* results, int32_t capacity) {
    int32_t produced = -1;
    ts::guarded([&] {
        const auto& op = *static_cast<const Operator*>(operator_);
        const auto wanted = static_cast<int32_t>(op.kinds.size());
        TORCH_CHECK(count <= wanted, op.name, " takes ", wanted, " arguments, ", count, " given");
        std::vector<c10::IValue> stack;
        stack.reserve(wanted);
        try {
            for (int32_t k = 0; k < count; k++) stack.push_back(to_ivalue(args[k], op.kinds[k]));
        } catch (const NullTensor&) {
            produced = -2;
            return;
        }
        for (int32_t k = count; k < wanted; k++) {
            TORCH_CHECK(op.defaults[k].has_value(), op.name, ": argument ", k, " has no default");
            stack.push_back(*op.defaults[k]);
        }
        op.handle.callBoxed(&stack);
        if (capacity == 0) {
            produced = 0;
            return;
        }
        const auto returned = static_cast<int32_t>(stack.size());
        TORCH_CHECK(returned <= capacity, op.name, " returned ", returned, " values, room for ", capacity);
        for (int32_t k = 0; k < returned; k++) results[k] = to_value(std::move(stack[k]));
        produced = returned;
    });
    return produced;
}

TS_API void ts_free_list(void* list) { std::free(list); }
