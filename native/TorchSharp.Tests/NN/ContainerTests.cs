using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

public class ContainerTests
{
    [Fact]
    public void A_sequential_calls_one_after_another_and_disposes_what_lies_between()
    {
        using Sequential net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2));
        using Tensor x = randn(5, 3);
        using IDisposable noGrad = no_grad();
        long before = Live.Tensors;
        using Tensor y = net.call(x);
        Assert.Equal(before + 1, Live.Tensors);
        using Tensor hidden = net[0].call(x);
        using Tensor squashed = net[1].call(hidden);
        using Tensor expected = net[2].call(squashed);
        Assert.Equal(expected.bytes.ToArray(), y.bytes.ToArray());
        Assert.Equal(["0.weight", "0.bias", "2.weight", "2.bias"], net.state_dict().Keys);
    }

    [Fact]
    public void A_sequential_can_be_named_extended_and_sliced()
    {
        using Sequential net = nn.Sequential(("first", nn.Linear(3, 3)), ("second", nn.ReLU()));
        net.append("third", nn.Linear(3, 1)).append(nn.Identity());
        Assert.Equal(4, net.Count);
        Assert.Equal(["first", "second", "third", "3"], net.named_children().Select(c => c.name));
        Assert.Equal(["second", "third"], net[1..3].named_children().Select(c => c.name));
        Assert.Equal(["third", "3"], net[(2, null)].named_children().Select(c => c.name));
        Assert.Throws<IndexOutOfRangeException>(() => net[(0, 9)]);
        Assert.Empty(net.named_parameters(recurse: false));
        Assert.Equal("Sequential", net.GetName());
    }

    [Fact]
    public void An_empty_sequential_gives_its_input_under_a_new_handle()
    {
        using Sequential net = nn.Sequential();
        using Tensor x = ones(2);
        using (Tensor y = net.call(x))
        {
            Assert.Equal(x.bytes.ToArray(), y.bytes.ToArray());
        }

        Assert.False(x.IsInvalid);
    }

    [Fact]
    public void Sequentials_nest_and_move_as_one()
    {
        using Sequential net = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Dropout()), nn.LayerNorm(2));
        Assert.Equal(["0.0.weight", "0.0.bias", "1.weight", "1.bias"], net.named_parameters().Select(p => p.name));
        Assert.Equal(["0", "1", "0.0", "0.1"], net.named_modules().Select(m => m.name));
        net.to(ScalarType.Float64);
        Assert.All(net.parameters(), p => Assert.Equal(ScalarType.Float64, p.dtype));
        net.eval();
        Assert.All(net.modules(), m => Assert.False(m.training));
    }

    [Fact]
    public void A_module_list_registers_by_index_when_its_owner_does()
    {
        using Blocks blocks = new();
        Assert.Equal(["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"], blocks.named_parameters().Select(p => p.name));
        Assert.Equal(2, blocks.Layers.Count);
        Assert.Same(blocks.Layers[1], blocks.Layers.Last());
        Assert.Equal(1, blocks.Layers.IndexOf(blocks.Layers[1]));
    }

    [Fact]
    public void Dictionaries_keep_their_order_and_register_by_key()
    {
        using ModuleDict<Linear> modules = nn.ModuleDict(("z", nn.Linear(1, 1)), ("a", nn.Linear(1, 2)));
        Assert.Equal(["z", "a"], modules.Keys);
        Assert.Equal(2, modules["a"].out_features);
        using Holder<ModuleDict<Linear>> holder = new(modules);
        Assert.Equal(["held.z.weight", "held.z.bias", "held.a.weight", "held.a.bias"], holder.named_parameters().Select(p => p.name));
        Assert.True(modules.TryGetValue("z", out Linear? z));
        Assert.Equal(1, z!.in_features);
        Assert.Throws<ArgumentOutOfRangeException>(() => modules["b"] = z);
    }

    [Fact]
    public void Parameters_can_be_held_in_lists_and_dictionaries()
    {
        using ParameterList list = nn.ParameterList(new Parameter(zeros(1)), new Parameter(ones(2)));
        Assert.Equal(["0", "1"], list.named_parameters().Select(p => p.name));
        Assert.Same(list[1], list.get_parameter("1"));
        Assert.Equal(1, list.IndexOf(list[1]));
        using Holder<ParameterList> holder = new(list);
        Assert.Equal(["held.0", "held.1"], holder.state_dict().Keys);
        holder.to(ScalarType.Float64);
        Assert.All(list, p => Assert.Equal(ScalarType.Float64, p.dtype));

        using ParameterDict dictionary = nn.ParameterDict(("b", new Parameter(zeros(1))), ("a", new Parameter(ones(2))));
        using Holder<ParameterDict> second = new(dictionary);
        Assert.Equal(["held.b", "held.a"], second.state_dict().Keys);
        second.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, dictionary["a"].dtype);
        Assert.True(dictionary.Contains(("a", dictionary["a"])));
        Assert.True(dictionary.Remove("b"));
        Assert.Equal(["a"], dictionary.Keys);
    }

    private sealed class Blocks : nn.Module
    {
        private readonly ModuleList<Linear> layers = nn.ModuleList(nn.Linear(1, 1), nn.Linear(1, 1));

        public Blocks()
            : base(nameof(Blocks)) => RegisterComponents();

        public ModuleList<Linear> Layers => layers;
    }

    private sealed class Holder<T> : nn.Module
        where T : nn.Module
    {
        private readonly T held;

        public Holder(T held)
            : base("Holder")
        {
            this.held = held;
            RegisterComponents();
        }

        public override string ToString() => held.GetName();
    }
}
