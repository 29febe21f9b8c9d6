using System.Runtime.InteropServices;
using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using TorchSharp.Utils;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

public class ModuleTests
{
    [Fact]
    public void A_disposed_module_has_no_training_mode()
    {
        Linear layer = nn.Linear(2, 2);
        Assert.True(layer.training);
        layer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => layer.training);
        Assert.Throws<ObjectDisposedException>(() => layer.eval());
    }

    [Fact]
    public void Fields_are_registered_by_name_parameters_before_buffers()
    {
        using Outer module = new();
        Assert.Equal(["w", "inner.weight", "inner.bias"], module.named_parameters().Select(p => p.name));
        Assert.Equal(["w"], module.named_parameters(recurse: false).Select(p => p.name));
        Assert.Equal(["buf"], module.named_buffers().Select(b => b.name));
        Assert.Equal(["inner"], module.named_children().Select(c => c.name));
        Assert.Equal(["w", "inner.weight", "inner.bias", "buf"], module.state_dict().Keys);
        Assert.Equal(["net.w", "net.inner.weight", "net.inner.bias", "net.buf"], module.state_dict(prefix: "net").Keys);
        Assert.Equal("Outer", module.GetName());
    }

    [Fact]
    public void Parameters_and_buffers_are_found_by_their_full_names()
    {
        using Outer module = new();
        Assert.Same(module.w, module.get_parameter("w"));
        Assert.Same(module.Inner.bias, module.get_parameter("inner.bias"));
        Assert.Null(module.get_parameter("inner.none"));
        Assert.Null(module.get_parameter("none.bias"));
        Assert.True(module.has_parameter("inner.weight"));
        Assert.False(module.has_parameter("weight"));
        Assert.NotNull(module.get_buffer("buf"));
        Assert.True(module.has_buffer("buf"));
        Assert.False(module.has_buffer("inner.buf"));
    }

    [Fact]
    public void What_is_not_registered_is_not_seen()
    {
        using Forgetful module = new();
        Assert.Empty(module.parameters());
    }

    [Fact]
    public void A_name_is_taken_once_and_null_is_refused()
    {
        using Outer module = new();
        Assert.Throws<InvalidOperationException>(() => module.register_parameter("w", new Parameter(zeros(1))));
        Assert.Throws<InvalidOperationException>(() => module.register_buffer("buf", zeros(1)));
        Assert.Throws<InvalidOperationException>(() => module.register_module("inner", nn.Identity()));
        Assert.Throws<ArgumentNullException>(() => module.register_parameter("x", null!));
        Assert.Throws<ArgumentNullException>(() => module.register_buffer("x", null!));
        Assert.Throws<ArgumentException>(() => module.register_module("a.b", nn.Identity()));
        Assert.Throws<ArgumentException>(() => module.register_module(string.Empty, nn.Identity()));
        module.register_module("inner", null!);
        Assert.Empty(module.named_children());
    }

    [Fact]
    public void A_new_parameter_takes_the_handle_over()
    {
        long before = Live.Tensors;
        Tensor data = ones(3);
        using (Parameter parameter = new(data))
        {
            Assert.True(data.IsInvalid);
            Assert.True(parameter.requires_grad);
            Assert.True(parameter.is_leaf);
            Assert.Equal(before + 1, Live.Tensors);
        }

        Assert.Equal(before, Live.Tensors);
        Assert.Throws<ExternalException>(() => new Parameter(ones(2, dtype: ScalarType.Int64)));
        using Parameter frozen = nn.Parameter(ones(3), requires_grad: false);
        Assert.False(frozen.requires_grad);
    }

    [Fact]
    public void A_parameter_takes_its_datas_place_in_the_dispose_scope()
    {
        Parameter parameter;
        using (DisposeScope scope = NewDisposeScope())
        {
            parameter = new Parameter(ones(3));
            Assert.True(scope.Contains(parameter));
        }

        Assert.True(parameter.IsInvalid);
    }

    [Fact]
    public void Layers_survive_the_scope_that_they_are_made_in()
    {
        Linear linear;
        using (NewDisposeScope())
        {
            linear = nn.Linear(2, 2);
        }

        Assert.False(linear.weight.IsInvalid);
        linear.Dispose();
        Assert.True(linear.weight.IsInvalid);
    }

    [Fact]
    public void Training_and_evaluation_reach_every_module()
    {
        using Outer module = new();
        Assert.True(module.training);
        module.eval();
        Assert.All(module.modules().Append(module), m => Assert.False(m.training));
        module.train();
        Assert.All(module.modules().Append(module), m => Assert.True(m.training));
    }

    [Fact]
    public void Apply_visits_children_first()
    {
        using Outer module = new();
        List<string> visited = [];
        Assert.Same(module, module.apply(m => visited.Add(m.GetName())));
        Assert.Equal(["Linear", "Outer"], visited);
    }

    [Fact]
    public void Gradients_are_taken_away_or_zeroed()
    {
        using DisposeScope scope = NewDisposeScope();
        using Outer module = new();
        module.call(ones(2)).sum().backward();
        module.zero_grad(set_to_none: false);
        Assert.All(module.parameters(), p => Assert.Equal(0f, p.grad!.abs().sum().item<float>()));
        module.zero_grad();
        Assert.All(module.parameters(), p => Assert.Null(p.grad));
    }

    [Fact]
    public void Call_runs_the_hooks_in_order_and_forward_does_not()
    {
        using DisposeScope scope = NewDisposeScope();
        using Outer module = new();
        List<string> events = [];
        var first = module.register_forward_pre_hook(m => events.Add("module pre"));
        var second = module.register_forward_pre_hook((m, input) =>
        {
            events.Add("pre");
            return input * 0;
        });
        var third = module.register_forward_hook((m, input, output) =>
        {
            events.Add("post");
            return output + 100;
        });
        var fourth = module.register_forward_hook(m => events.Add("module post"));

        Tensor zero = module.forward(zeros(2));
        Assert.Empty(events);
        Assert.Equal(zero.data<float>().ToArray().Select(v => v + 100), module.call(ones(2)).data<float>().ToArray());
        Assert.Equal(["module pre", "pre", "post", "module post"], events);

        first.remove();
        second.remove();
        third.remove();
        fourth.remove();
        events.Clear();
        module.call(ones(2));
        Assert.Empty(events);
    }

    [Fact]
    public void Hooks_of_two_inputs_may_replace_both()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sum module = new();
        module.register_forward_pre_hook((m, a, b) => (b, a * 10));
        Assert.Equal(12f, module.call(ones(1), full(1, 2f)).item<float>());
    }

    [Fact]
    public void A_module_moves_to_another_dtype_with_its_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        using Outer module = new();
        module.call(ones(2)).sum().backward();
        Parameter before = module.w;
        Assert.Same(module, module.to(ScalarType.Float64));
        Assert.True(before.IsInvalid);
        Assert.All(module.parameters(), p =>
        {
            Assert.Equal(ScalarType.Float64, p.dtype);
            Assert.True(p.is_leaf && p.requires_grad);
            Assert.Equal(ScalarType.Float64, p.grad!.dtype);
        });
        Assert.Same(module.w, module.get_parameter("w"));
        Assert.Equal(ScalarType.Float64, module.get_buffer("buf")!.dtype);
        Assert.Equal(ScalarType.Float64, module.call(ones(2, dtype: ScalarType.Float64)).dtype);
        Assert.Throws<ArgumentException>(() => module.to(ScalarType.Int64));
        Assert.Throws<InvalidOperationException>(() => module.cuda());
        Assert.Same(module, module.cpu());
    }

    [Fact]
    public void Moving_to_the_dtype_that_it_has_keeps_the_parameters()
    {
        using Outer module = new();
        Parameter before = module.w;
        module.@float();
        Assert.Same(before, module.w);
        Assert.False(before.IsInvalid);
    }

    [Fact]
    public void Integer_buffers_keep_their_dtype()
    {
        using Counting module = new();
        module.half();
        Assert.Equal(ScalarType.Int64, module.get_buffer("count")!.dtype);
        Assert.Equal(ScalarType.Float16, module.get_parameter("renamed")!.dtype);
    }

    [Fact]
    public void Tied_parameters_are_listed_once_and_saved_under_both_names()
    {
        using Tied module = new();
        Assert.Equal(["embedding.weight"], module.named_parameters().Select(p => p.name));
        Assert.Equal(["embedding.weight", "head.weight"], module.state_dict().Keys);
        Assert.Same(module.get_parameter("embedding.weight"), module.get_parameter("head.weight"));
    }

    [Fact]
    public void Nothing_can_be_registered_on_a_module_without_parameters()
    {
        using ReLU relu = nn.ReLU();
        Assert.Throws<InvalidOperationException>(() => relu.register_buffer("b", zeros(1)));
        Assert.Throws<InvalidOperationException>(() => relu.register_parameter("p", new Parameter(zeros(1))));
        using Linear linear = nn.Linear(1, 1);
        Assert.Throws<InvalidOperationException>(() => relu.register_module("m", linear));
        Assert.Same(relu, relu.to(ScalarType.Float64));
    }

    [Fact]
    public void Disposing_a_module_disposes_all_that_it_holds()
    {
        long before = Live.Tensors;
        Outer module = new();
        Tensor[] held = [.. module.state_dict().Values];
        module.Dispose();
        module.Dispose();
        Assert.All(held, t => Assert.True(t.IsInvalid));
        Assert.Equal(before, Live.Tensors);
    }

    private sealed class Outer : nn.Module<Tensor, Tensor>
    {
        public Parameter w;
        private readonly Linear inner;
        private readonly Tensor buf;

        public Outer()
            : base(nameof(Outer))
        {
            w = new Parameter(ones(2));
            inner = nn.Linear(2, 2);
            buf = zeros(2);
            RegisterComponents();
            RegisterComponents();
        }

        public Linear Inner => inner;

        public override Tensor forward(Tensor input) => inner.call(input * w + buf);
    }

    private sealed class Forgetful() : nn.Module<Tensor, Tensor>(nameof(Forgetful))
    {
        private readonly Linear inner = nn.Linear(2, 2);

        public override Tensor forward(Tensor input) => inner.call(input);
    }

    private sealed class Sum() : nn.Module<Tensor, Tensor, Tensor>(nameof(Sum))
    {
        public override Tensor forward(Tensor input1, Tensor input2) => input1 + input2;
    }

    private sealed class Counting : nn.Module
    {
        [ComponentName(Name = "renamed")]
        private readonly Parameter other = new(zeros(1));
        private readonly Tensor count = zeros(1, dtype: ScalarType.Int64);

        public Counting()
            : base(nameof(Counting)) => RegisterComponents();

        public override string ToString() => $"{other.dtype} {count.dtype}";
    }

    private sealed class Tied : nn.Module<Tensor, Tensor>
    {
        private readonly Embedding embedding = nn.Embedding(5, 3);
        private readonly Linear head = nn.Linear(3, 5, hasBias: false);

        public Tied()
            : base(nameof(Tied))
        {
            head.weight = embedding.weight;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => head.call(embedding.call(input));
    }
}
