using TorchSharp;
using TorchSharp.Modules;
using TorchSharpSoftmax.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The replacement of TorchSharp's modules in a model that exists: what is replaced, what is not, and that nothing else changes.</summary>
[BestWidthOnly]
public sealed class UseTwoPassSoftmaxTests
{
    [Fact]
    public void Modules_in_nested_sequentials_are_replaced_and_the_model_gives_what_it_gave()
    {
        using var scope = NewDisposeScope();
        using var model = nn.Sequential(
            ("hidden", nn.Linear(6, 5)), ("attention", nn.Sequential(nn.Softmax(1), nn.Linear(5, 4))), ("activation", nn.ReLU()), ("log", nn.LogSoftmax(-1)));
        var x = OperatorContract.Logits(new Random(1), [7, 6], ScalarType.Float32, 3);
        var (before, names, keys) = (model.call(x), Names(model), model.state_dict().Keys.ToArray());

        var result = model.UseTwoPassSoftmax();

        Assert.Equal(["attention.0", "log"], result.replaced.Select(entry => entry.name));
        Assert.Empty(result.not_replaced);
        Assert.All(result.replaced, entry => Assert.Null(entry.reason));
        Assert.Same(result.replaced[1].module, model[3]);
        Assert.Equal(1, Assert.IsType<TwoPassSoftmax>(result.replaced[0].module).dim);
        Assert.Equal(-1, Assert.IsType<TwoPassLogSoftmax>(result.replaced[1].module).dim);
        Assert.Equal(names, Names(model));
        Assert.Equal(keys, model.state_dict().Keys);
        Assert.Equal(ElementAccess.Values(before), ElementAccess.Values(model.call(x)), (e, a) => Math.Abs(e - a) <= 4e-7 * Math.Abs(e));
        Assert.Equal($"attention.0: TwoPassSoftmax{Environment.NewLine}log: TwoPassLogSoftmax", result.ToString());
    }

    [Fact]
    public void Fields_of_a_module_of_ones_own_are_replaced_where_their_type_allows_it()
    {
        using var scope = NewDisposeScope();
        using var model = new Fields();
        var x = OperatorContract.Logits(new Random(2), [3, 4], ScalarType.Float32, 3);
        var (before, names, keys) = (model.call(x), Names(model), model.state_dict().Keys.ToArray());

        var result = model.UseTwoPassSoftmax();

        Assert.Equal(["wide", "asBase", "Property", "listed", "inArray0", "inArray1"], result.replaced.Select(entry => entry.name));
        Assert.Equal(["narrow", "unheld"], result.not_replaced.Select(entry => entry.name));
        Assert.Equal("'narrow' of Fields takes Softmax; Module<Tensor, Tensor> would take TwoPassSoftmax too", result.not_replaced[0].reason);
        Assert.Equal("Fields has it in no field, list or dictionary that can be written, so what calls it is not known", result.not_replaced[1].reason);
        Assert.Equal([typeof(Softmax), typeof(LogSoftmax)], result.not_replaced.Select(entry => entry.module.GetType()));
        Assert.Equal(names, Names(model));
        Assert.Equal(keys, model.state_dict().Keys);
        Assert.Equal(5, model.Held.OfType<TwoPassSoftmax>().Count());
        Assert.Equal(ElementAccess.Values(before), ElementAccess.Values(model.call(x)), (e, a) => Math.Abs(e - a) <= 4e-6);
    }

    [Fact]
    public void Lists_and_dictionaries_of_modules_are_replaced_unless_they_are_of_softmaxes()
    {
        using var scope = NewDisposeScope();
        using var model = new Containers();
        string[] names = Names(model);

        var result = model.UseTwoPassSoftmax();

        Assert.Equal(["list.1", "dictionary.b", "modules.0"], result.replaced.Select(entry => entry.name));
        Assert.Equal(["softmaxes.0"], result.not_replaced.Select(entry => entry.name));
        Assert.Contains("takes Softmax;", result.not_replaced[0].reason, StringComparison.Ordinal);
        Assert.Equal(names, Names(model));
        Assert.IsType<TwoPassSoftmax>(model.list[1]);
        Assert.IsType<TwoPassLogSoftmax>(model.dictionary["b"]);
        Assert.IsType<TwoPassSoftmax>(model.modules_[0]);
    }

    [Fact]
    public void A_model_that_is_itself_a_softmax_stays_with_the_reason()
    {
        using var model = nn.LogSoftmax(0);
        var entry = Assert.Single(model.UseTwoPassSoftmax().not_replaced);
        Assert.Equal("", entry.name);
        Assert.Same(model, entry.module);
        Assert.Equal("the model: it is the model itself, which its holder must replace: nn.TwoPassLogSoftmax(dim)", entry.ToString());
    }

    [Fact]
    public void Hooks_of_all_four_kinds_still_run_and_can_still_be_removed()
    {
        using var scope = NewDisposeScope();
        var softmax = nn.Softmax(1);
        using var model = nn.Sequential(softmax);
        List<string> ran = [];
        softmax.register_forward_pre_hook(module => ran.Add("before " + module.GetName()));
        softmax.register_forward_pre_hook((_, x) => x.mul(2.0f));
        var remover = softmax.register_forward_hook((_, _, y) => y.neg());
        softmax.register_forward_hook(module => ran.Add("after " + module.GetName()));
        var x = OperatorContract.Logits(new Random(3), [2, 3], ScalarType.Float32, 1);
        var before = ElementAccess.Values(model.call(x));
        ran.Clear();

        Assert.Single(model.UseTwoPassSoftmax().replaced);
        Assert.Equal(before, ElementAccess.Values(model.call(x)), (e, a) => Math.Abs(e - a) <= 1e-6);
        Assert.Equal(["before TwoPassSoftmax", "after TwoPassSoftmax"], ran);

        remover.remove();
        Assert.Equal(before, ElementAccess.Values(model.call(x)).Select(y => -y), (e, a) => Math.Abs(e - a) <= 1e-6);
    }

    [Fact]
    public void The_fields_of_the_hooks_have_these_names_in_every_supported_TorchSharp()
    {
        foreach (string version in new[] { "0.102.8", "0.107.0" })
        {
            string surface = File.ReadAllText(Path.Combine(Repository.Root, "native", "TorchSharp.Tests", "Surface", $"torchsharp-{version}.txt"));
            foreach (string field in new[] { "pre_hooks", "post_hooks", "module_pre_hooks", "module_post_hooks" })
            {
                Assert.Contains($"torch.nn.HookableModule<TPreHook,TPostHook>.{field}", surface, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(-1)]
    [InlineData(-2)]
    [InlineData(-3)]
    [InlineData(-7)]
    public void The_dim_is_found_from_either_end(long dim)
    {
        using var softmaxes = nn.Sequential(nn.Softmax(dim), nn.LogSoftmax(dim));
        softmaxes.UseTwoPassSoftmax();
        Assert.Equal(dim, Assert.IsType<TwoPassSoftmax>(softmaxes[0]).dim);
        Assert.Equal(dim, Assert.IsType<TwoPassLogSoftmax>(softmaxes[1]).dim);
    }

    [Fact]
    public void A_dim_beyond_seven_dimensions_is_not_guessed()
    {
        using var model = nn.Sequential(nn.Softmax(7));
        Assert.Equal("its dim cannot be told: it gives no softmax of zeros", Assert.Single(model.UseTwoPassSoftmax().not_replaced).reason);
        Assert.IsType<Softmax>(model[0]);
    }

    [Fact]
    public void One_module_in_several_places_becomes_one_module_in_several_places()
    {
        using var scope = NewDisposeScope();
        var shared = nn.Softmax(1);
        using var model = nn.Sequential(("a", shared), ("b", nn.Sequential(shared)), ("c", shared));
        var result = model.UseTwoPassSoftmax();
        Assert.Equal(["a", "b.0", "c"], result.replaced.Select(entry => entry.name));
        Assert.All(result.replaced, entry => Assert.Same(model[0], entry.module));
        Assert.Same(model[0], model[2]);

        using var twice = new SharedField();
        Assert.Equal(["first", "second"], twice.UseTwoPassSoftmax().replaced.Select(entry => entry.name));
        Assert.Same(twice.first, twice.second);
    }

    [Fact]
    public void A_second_call_replaces_nothing_more_and_says_again_what_stays()
    {
        using var model = new Fields();
        var first = model.UseTwoPassSoftmax();
        string[] names = Names(model);
        var second = model.UseTwoPassSoftmax();
        Assert.Empty(second.replaced);
        Assert.Equal(first.not_replaced.Select(entry => entry.ToString()), second.not_replaced.Select(entry => entry.ToString()));
        Assert.Equal(names, Names(model));
    }

    [Fact]
    public void The_training_mode_stays()
    {
        using var model = nn.Sequential(nn.Softmax(1), nn.Linear(2, 2));
        model.eval();
        model.UseTwoPassSoftmax();
        Assert.False(((nn.Module)model[0]).training);
        model.train();
        Assert.True(((nn.Module)model[0]).training);
    }

    [Fact]
    public void An_owner_that_refuses_is_left_as_it_was()
    {
        using var scope = NewDisposeScope();
        using var parameterLess = new ParameterLess();
        string reason = Assert.Single(parameterLess.UseTwoPassSoftmax().not_replaced).reason!;
        Assert.StartsWith("ParameterLess does not let it be replaced: ", reason, StringComparison.Ordinal);
        Assert.IsType<Softmax>(parameterLess.softmax);
        Assert.Equal(["softmax"], Names(parameterLess));

        using var stubborn = new Stubborn();
        reason = Assert.Single(stubborn.UseTwoPassSoftmax().not_replaced).reason!;
        Assert.Equal("Stubborn does not let it be replaced: no strangers", reason);
        Assert.IsType<Softmax>(stubborn.softmax);
        Assert.Equal(["linear", "softmax", "last"], Names(stubborn));
        Assert.Equal([2, 2], stubborn.call(ones(2, 2)).shape);

        using var elsewhere = new ListsElsewhere();
        reason = Assert.Single(elsewhere.UseTwoPassSoftmax().not_replaced).reason!;
        Assert.Equal("ListsElsewhere does not let it be replaced: 'softmax' is listed by something else than its registration.", reason);
        Assert.IsType<Softmax>(elsewhere.softmax);
        Assert.Equal(["softmax"], Names(elsewhere));
    }

    [Fact]
    public void Null_and_disposed_models_are_refused_by_name()
    {
        var error = Assert.Throws<ArgumentNullException>(() => Operators.UseTwoPassSoftmax(null!));
        Assert.StartsWith("'model' is null; a module is required.", error.Message, StringComparison.Ordinal);
        var model = nn.Sequential(nn.Softmax(1));
        model.Dispose();
        var disposed = Assert.Throws<ArgumentException>(() => model.UseTwoPassSoftmax());
        Assert.StartsWith("'model' has been disposed; a live module is required.", disposed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_module_in_a_live_model_stays()
    {
        var softmax = nn.Softmax(1);
        using var model = new Fields();
        model.wide = softmax;
        model.register_module("late", softmax);
        softmax.Dispose();
        Assert.Contains(model.UseTwoPassSoftmax().not_replaced, entry => entry.name == "late" && entry.reason == "it has been disposed");
    }

    [Fact]
    public void A_replaced_module_trains()
    {
        using var scope = NewDisposeScope();
        using var model = nn.Sequential(nn.Linear(3, 4), nn.LogSoftmax(1));
        model.UseTwoPassSoftmax();
        model.call(OperatorContract.Logits(new Random(4), [5, 3], ScalarType.Float32, 1)).select(1, 0).sum().backward();
        Assert.All(model.parameters(), parameter => Assert.Contains(ElementAccess.Values(parameter.grad!), g => g != 0));
    }

    private static string[] Names(nn.Module model) => [.. model.named_modules().Select(entry => entry.name)];

    private sealed class Fields : nn.Module<Tensor, Tensor>
    {
        public nn.Module<Tensor, Tensor> wide = nn.Softmax(1);
        private readonly Linear linear = nn.Linear(4, 4);
        private readonly nn.Module asBase = nn.Softmax(0);
        private readonly Softmax narrow = nn.Softmax(-1);
        private readonly List<nn.Module<Tensor, Tensor>> inList = [nn.Softmax(1)];
        private readonly nn.Module<Tensor, Tensor>[] inArray = [nn.Softmax(1), nn.LogSoftmax(-2)];

        public Fields() : base(nameof(Fields))
        {
            RegisterComponents();
            register_module("listed", inList[0]);
            register_module("inArray0", inArray[0]);
            register_module("inArray1", inArray[1]);
            register_module("unheld", nn.LogSoftmax(1));
        }

        [field: TorchSharp.Utils.ComponentName(Name = nameof(Property))]
        public nn.IModule<Tensor, Tensor> PropertyAsInterface { get; } = nn.Softmax(1);

        public nn.Module[] Held => [wide, asBase, narrow, .. inList, .. inArray, Property];

        private nn.Module<Tensor, Tensor> Property => (nn.Module<Tensor, Tensor>)PropertyAsInterface;

        public override Tensor forward(Tensor input)
        {
            var x = wide.call(linear.call(input)) + ((nn.Module<Tensor, Tensor>)asBase).call(input) + narrow.call(input);
            return x + inList[0].call(input) + inArray[0].call(input) + inArray[1].call(input) + Property.call(input);
        }
    }

    private sealed class Containers : nn.Module
    {
        public readonly ModuleList<nn.Module<Tensor, Tensor>> list = new(nn.Linear(1, 1), nn.Softmax(1));
        public readonly ModuleDict<nn.Module<Tensor, Tensor>> dictionary = new() { { "a", nn.Linear(1, 1) }, { "b", nn.LogSoftmax(1) }, { "c", nn.ReLU() } };
        [TorchSharp.Utils.ComponentName(Name = "modules")]
        public readonly ModuleList<nn.Module> modules_ = new(nn.Softmax(1));
        private readonly ModuleList<Softmax> softmaxes = new(nn.Softmax(1));

        public Containers() : base(nameof(Containers)) => RegisterComponents();
    }

    private sealed class SharedField : nn.Module
    {
        public nn.Module first = nn.Softmax(1);
        public nn.Module second;

        public SharedField() : base(nameof(SharedField))
        {
            second = first;
            RegisterComponents();
        }
    }

    private sealed class ParameterLess : ParameterLessModule<Tensor, Tensor>
    {
        public readonly nn.Module<Tensor, Tensor> softmax = nn.Softmax(1);

        public ParameterLess() : base(nameof(ParameterLess)) => RegisterComponents();

        public override Tensor forward(Tensor input) => softmax.call(input);
    }

    /// <summary>Lets itself be emptied, and takes back its own modules only.</summary>
    private sealed class Stubborn : nn.Module<Tensor, Tensor>
    {
        public readonly nn.Module<Tensor, Tensor> softmax = nn.Softmax(1);
        private readonly Linear linear = nn.Linear(2, 2);
        private readonly ReLU last = nn.ReLU();

        public Stubborn() : base(nameof(Stubborn))
        {
            register_module(nameof(linear), linear);
            register_module(nameof(softmax), softmax);
            register_module(nameof(last), last);
        }

        public override void register_module(string name, nn.Module submodule)
        {
            if (submodule is TwoPassSoftmax)
            {
                throw new InvalidOperationException("no strangers");
            }

            base.register_module(name, submodule);
        }

        public override Tensor forward(Tensor input) => last.call(softmax.call(linear.call(input)));
    }

    /// <summary>Lists a module that no registration of its name changes.</summary>
    private sealed class ListsElsewhere : nn.Module
    {
        public nn.Module softmax = nn.Softmax(1);
        private readonly (string, nn.Module)[] listed;

        public ListsElsewhere() : base(nameof(ListsElsewhere)) => listed = [(nameof(softmax), softmax)];

        public override IEnumerable<(string name, nn.Module module)> named_children() => listed;

        public override IEnumerable<(string name, nn.Module module)> named_modules() => listed;
    }
}
