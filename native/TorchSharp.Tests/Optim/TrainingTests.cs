using TorchSharp.Modules;
using TorchSharp.Tests.Children;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Optim;

public class TrainingTests
{
    private const int Steps = 1000;

    [Fact]
    public void A_thousand_steps_learn_and_leave_no_tensor_behind()
    {
        // In a process of its own: other tests' tensors must not count.
        ChildResult child = ChildProcess.Run(AThousandSteps);
        Assert.True(child.ExitCode == 0, child.ToString());
    }

    [Fact]
    public void Model_and_optimizer_resume_bit_for_bit()
    {
        manual_seed(2);
        using DisposeScope scope = NewDisposeScope();
        using CrossEntropyLoss criterion = nn.CrossEntropyLoss();
        Tensor x = randn(16, 4);
        Tensor target = randint(0, 3, [16], dtype: ScalarType.Int64);
        using Sequential straight = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 3));
        using AdamW straightOptimizer = optim.AdamW(straight.parameters(), lr: 0.01, weight_decay: 1, amsgrad: true);
        Run(20, straight, straightOptimizer, criterion, x, target);

        using MemoryStream model = new();
        using MemoryStream state = new();
        straight.save(new BinaryWriter(model));
        straightOptimizer.save_state_dict(new BinaryWriter(state));
        model.Position = state.Position = 0;
        using Sequential resumed = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 3));
        using AdamW resumedOptimizer = optim.AdamW(resumed.parameters());
        resumed.load(new BinaryReader(model));
        resumedOptimizer.load_state_dict(new BinaryReader(state));
        resumedOptimizer.ParamGroups.Cast<AdamW.ParamGroup>().Single().Options.amsgrad = true;

        Run(20, straight, straightOptimizer, criterion, x, target);
        Run(20, resumed, resumedOptimizer, criterion, x, target);
        foreach ((Parameter left, Parameter right) in straight.parameters().Zip(resumed.parameters()))
        {
            Assert.Equal(left.bytes.ToArray(), right.bytes.ToArray());
        }
    }

    [Fact]
    public void The_state_of_another_optimizer_or_another_model_is_refused()
    {
        using Linear one = nn.Linear(2, 2);
        using Linear other = nn.Linear(2, 2, hasBias: false);
        using Adam adam = optim.Adam(one.parameters());
        using AdamW adamW = optim.AdamW(one.parameters());
        using Adam fewer = optim.Adam(other.parameters());
        using MemoryStream stream = new();
        adam.save_state_dict(new BinaryWriter(stream));
        stream.Position = 0;
        Assert.Throws<InvalidDataException>(() => adamW.load_state_dict(new BinaryReader(stream)));
        stream.Position = 0;
        Assert.Throws<ArgumentException>(() => fewer.load_state_dict(new BinaryReader(stream)));
        Assert.Throws<ArgumentException>(() => fewer.load_state_dict(adam.state_dict()));
    }

    [Fact]
    public void A_group_added_later_takes_the_defaults()
    {
        using Linear one = nn.Linear(2, 2);
        using Linear two = nn.Linear(2, 2);
        using AdamW optimizer = optim.AdamW(one.named_parameters(), lr: 0.5, weight_decay: 0.25);
        optimizer.add_param_group(new AdamW.ParamGroup(two.parameters(), new AdamW.Options { LearningRate = 0.125 }));
        Assert.Equal(4, optimizer.parameters().Count());
        Assert.Equal([0.5, 0.125], optimizer.ParamGroups.Select(group => group.LearningRate));
        Assert.Equal([0.5, 0.125], optimizer.ParamGroups.Select(group => group.InitialLearningRate));
        Assert.Equal([0.25, 0.25], optimizer.ParamGroups.Cast<AdamW.ParamGroup>().Select(group => group.Options.weight_decay!.Value));
        Assert.Equal(4, optimizer.state_dict().State.Count);
        Assert.Equal([[0, 1], [2, 3]], optimizer.state_dict().StateIndexRef);
        Assert.Throws<ArgumentException>(() => optim.AdamW(one.parameters(), lr: -1));
        Assert.Throws<ArgumentException>(() => optim.SGD(one.parameters(), 0.1, nesterov: true));
    }

    [Fact]
    public void Gradients_are_zeroed_not_taken_away_and_those_that_are_missing_are_passed_over()
    {
        using DisposeScope scope = NewDisposeScope();
        using Linear used = nn.Linear(2, 1);
        using Linear unused = nn.Linear(2, 1);
        using SGD optimizer = optim.SGD(used.parameters().Concat(unused.parameters()), 0.1, momentum: 0.9);
        byte[] before = unused.weight.bytes.ToArray();
        used.call(ones(2)).backward();
        optimizer.step();
        optimizer.zero_grad();
        Assert.Equal(0f, used.weight.grad!.abs().sum().item<float>());
        Assert.Null(unused.weight.grad);
        Assert.Equal(before, unused.weight.bytes.ToArray());
    }

    [Fact]
    public void The_closure_runs_with_gradients_and_its_loss_comes_back()
    {
        using DisposeScope scope = NewDisposeScope();
        using Linear linear = nn.Linear(2, 1);
        using SGD optimizer = optim.SGD(linear.parameters(), 0.1);
        float before = linear.bias!.item<float>();
        using IDisposable noGrad = no_grad();
        Tensor? loss = optimizer.step(() =>
        {
            Assert.True(is_grad_enabled());
            Tensor value = linear.call(ones(2)).sum();
            value.backward();
            return value;
        });
        Assert.False(loss!.IsInvalid);
        Assert.Equal(before - 0.1f, linear.bias.item<float>(), 1e-6f);
    }

    [Fact]
    public void An_optimizer_does_not_know_the_parameters_that_replaced_its_own()
    {
        using DisposeScope scope = NewDisposeScope();
        using Linear linear = nn.Linear(2, 1);
        using SGD optimizer = optim.SGD(linear.parameters(), 0.1, momentum: 0.9);
        linear.to(ScalarType.Float64);
        linear.call(ones(2, dtype: ScalarType.Float64)).backward();
        Assert.Throws<KeyNotFoundException>(() => optimizer.step());
    }

    [Fact]
    public void A_disposed_optimizer_has_freed_its_state()
    {
        using Linear linear = nn.Linear(2, 1);
        long before = Live.Tensors;
        using (optim.AdamW(linear.parameters(), amsgrad: true))
        {
            Assert.Equal(before + 6, Live.Tensors);
        }

        Assert.Equal(before, Live.Tensors);
    }

    private static void AThousandSteps()
    {
        foreach ((string kind, bool scopes) in new[] { ("SGD", true), ("Adam", true), ("AdamW", true), ("AdamW", false), ("RMSProp", false) })
        {
            manual_seed(1);
            Learn(kind, scopes);
        }
    }

    private static void Learn(string kind, bool scopes)
    {
        using Sequential model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.LayerNorm(16), nn.Linear(16, 3));
        using optim.Optimizer optimizer = Make(kind, model);
        using CrossEntropyLoss criterion = nn.CrossEntropyLoss();
        using Tensor x = randn(32, 4);
        using Tensor target = randint(0, 3, [32], dtype: ScalarType.Int64);
        double first = Step(model, optimizer, criterion, x, target, scopes);
        long before = Tensor.TotalCount;
        double last = first;
        for (int i = 0; i < Steps; i++)
        {
            last = Step(model, optimizer, criterion, x, target, scopes);
        }

        Assert.Equal(before, Tensor.TotalCount);
        Assert.True(last < first / 2, $"With {kind} the loss went from {first} to {last} only.");
    }

    private static optim.Optimizer Make(string kind, nn.Module model) => kind switch
    {
        "SGD" => optim.SGD(model.parameters(), 0.1, momentum: 0.9, nesterov: true),
        "Adam" => optim.Adam(model.parameters(), 0.01, amsgrad: true),
        "AdamW" => optim.AdamW(model.parameters(), 0.01, weight_decay: 0.1),
        "RMSProp" => optim.RMSProp(model.parameters(), 0.003, centered: true, momentum: 0.5),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown optimizer."),
    };

    private static double Step(nn.Module<Tensor, Tensor> model, optim.Optimizer optimizer, CrossEntropyLoss criterion, Tensor x, Tensor target, bool scopes)
    {
        if (scopes)
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor loss = criterion.call(model.call(x), target);
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        }

        optimizer.zero_grad();
        using Tensor y = model.call(x);
        using Tensor value = criterion.call(y, target);
        value.backward();
        optimizer.step();
        return value.item<float>();
    }

    private static void Run(int steps, nn.Module<Tensor, Tensor> model, optim.Optimizer optimizer, CrossEntropyLoss criterion, Tensor x, Tensor target)
    {
        for (int i = 0; i < steps; i++)
        {
            Step(model, optimizer, criterion, x, target, scopes: true);
        }
    }
}
