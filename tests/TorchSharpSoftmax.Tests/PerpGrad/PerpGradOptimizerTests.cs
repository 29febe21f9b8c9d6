using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The wrapper is its inner optimizer in all but the gradients: groups, schedulers, states; and a closure comes before the projection.</summary>
public sealed class PerpGradOptimizerTests
{
    [Fact]
    public void A_closure_is_evaluated_once_with_gradients_on_and_before_the_projection()
    {
        using var scope = NewDisposeScope();
        var (w, g) = PerpGradTests.Pair(new Random(1), [4, 5], ScalarType.Float32);
        var parameter = PerpGradTests.With(w, g * 0 + 7); // a stale gradient, which the reference's code projects
        using var optimizer = optim.PerpGrad(optim.SGD([parameter], 1));
        int calls = 0;
        Tensor Closure()
        {
            calls++;
            Assert.True(is_grad_enabled());
            optimizer.zero_grad();
            var loss = (parameter * g).sum();
            loss.backward();
            return loss;
        }

        Tensor loss;
        using (no_grad())
        {
            loss = optimizer.step(Closure);
            Assert.False(is_grad_enabled());
        }

        Assert.Equal(1, calls);
        Assert.Equal((w * g).sum().item<float>(), loss.item<float>());
        var expected = w - nn.functional.perp_projection(w, g);
        Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(parameter));
        Assert.Null(optimizer.step());
    }

    [Fact]
    public void Every_optimizer_takes_the_step_that_it_takes_from_projected_gradients()
    {
        using var scope = NewDisposeScope();
        foreach (var make in (Func<Parameter[], optim.Optimizer>[])[
            p => optim.SGD(p, 0.1, momentum: 0.8), p => optim.Adam(p, 0.01), p => optim.AdamW(p, 0.01, weight_decay: 0.5), p => optim.RMSProp(p, 0.01)])
        {
            var (first, second) = (Model(), Model());
            using var wrapped = optim.PerpGrad(make(first));
            using var bare = make(second);
            for (int step = 0; step < 5; step++)
            {
                Backward(first, step);
                Backward(second, step);
                nn.utils.perp_grad_(second);
                wrapped.step();
                bare.step();
            }

            Assert.All(first, (parameter, i) => Assert.Equal(ElementAccess.Values(second[i]), ElementAccess.Values(parameter)));
        }
    }

    [Fact]
    public void Groups_gradients_and_learning_rates_are_the_inner_optimizers()
    {
        using var scope = NewDisposeScope();
        var parameters = Model();
        var inner = optim.SGD([parameters[0]], 0.5);
        using var optimizer = optim.PerpGrad(inner, PerpGradGranularity.Row, rescale: false, eps: 0.25, strength: 0.5);
        Assert.Same(inner, optimizer.inner);
        Assert.Equal((PerpGradGranularity.Row, false, 0.25, 0.5), (optimizer.granularity, optimizer.rescale, optimizer.eps, optimizer.strength));
        Assert.Null(optimizer.filter);
        optimizer.add_param_group(new SGD.ParamGroup([parameters[1]], new SGD.Options { LearningRate = 0.125, InitialLearningRate = 0.125 }));
        Assert.Equal([0.5, 0.125], optimizer.ParamGroups.Select(group => group.LearningRate));
        Assert.Equal(2, inner.ParamGroups.Count());
        Assert.Equal(parameters.Take(2), optimizer.parameters(), ReferenceEqualityComparer.Instance);
        Backward(parameters, 1);
        optimizer.zero_grad();
        Assert.All(parameters.Take(2), parameter => Assert.All(ElementAccess.Values(parameter.grad!), x => Assert.Equal(0, x)));
        Assert.NotEqual(0, ElementAccess.Values(parameters[2].grad!)[0]);
    }

    [Fact]
    public void A_learning_rate_scheduler_works_on_the_wrapper()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (Model(), Model());
        using var wrapped = optim.PerpGrad(optim.SGD(first, 0.5));
        using var bare = optim.SGD(second, 0.5);
        var schedulers = (optim.lr_scheduler.StepLR(wrapped, 2, 0.5), optim.lr_scheduler.StepLR(bare, 2, 0.5));
        for (int step = 0; step < 5; step++)
        {
            Backward(first, step);
            Backward(second, step);
            nn.utils.perp_grad_(second);
            wrapped.step();
            bare.step();
            schedulers.Item1.step();
            schedulers.Item2.step();
            Assert.Equal(bare.ParamGroups.First().LearningRate, wrapped.ParamGroups.First().LearningRate);
        }

        Assert.Equal(0.125, wrapped.ParamGroups.First().LearningRate);
        Assert.Equal(ElementAccess.Values(second[0]), ElementAccess.Values(first[0]));
    }

    [Fact]
    public void A_state_goes_to_a_file_and_back_and_to_a_bare_optimizer_too()
    {
        using var scope = NewDisposeScope();
        var parameters = Model();
        using var optimizer = optim.PerpGrad(optim.AdamW(parameters, 0.01));
        Backward(parameters, 1);
        optimizer.step();
        var copies = (Copy(parameters), Copy(parameters), Copy(parameters));
        using var second = optim.PerpGrad(optim.AdamW(copies.Item1, 0.5));
        using var bare = optim.AdamW(copies.Item2, 0.5);
        using var third = optim.PerpGrad(optim.AdamW(copies.Item3, 0.5));
        string file = Path.GetTempFileName();
        try
        {
            optimizer.save_state_dict(file);
            second.load_state_dict(file);
            bare.load_state_dict(file);
        }
        finally
        {
            File.Delete(file);
        }

        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        optimizer.save_state_dict(writer);
        stream.Position = 0;
        using var reader = new BinaryReader(stream);
        third.load_state_dict(reader);
        third.load_state_dict(optimizer.state_dict());
        optimizer.to(CPU);
        foreach (var all in (Parameter[][])[parameters, copies.Item1, copies.Item2, copies.Item3])
        {
            Backward(all, 2);
        }

        nn.utils.perp_grad_(copies.Item2);
        optimizer.step();
        second.step();
        bare.step();
        third.step();
        for (int i = 0; i < parameters.Length; i++)
        {
            Assert.Equal(ElementAccess.Values(parameters[i]), ElementAccess.Values(copies.Item1[i]));
            Assert.Equal(ElementAccess.Values(parameters[i]), ElementAccess.Values(copies.Item2[i]));
            Assert.Equal(ElementAccess.Values(parameters[i]), ElementAccess.Values(copies.Item3[i]));
        }
    }

    [Fact]
    public void The_strength_can_change_between_steps_and_a_filter_chooses_parameters()
    {
        using var scope = NewDisposeScope();
        var parameters = Model();
        using var optimizer = optim.PerpGrad(optim.SGD(parameters, 0), filter: parameter => parameter.ndim > 1);
        foreach (double strength in (double[])[0, 0.5, 1])
        {
            optimizer.strength = strength;
            Backward(parameters, 3);
            double[][] before = [.. parameters.Select(parameter => ElementAccess.Values(parameter.grad!))];
            var expected = nn.functional.perp_projection(parameters[0], parameters[0].grad!, strength: strength);
            optimizer.step();
            Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(parameters[0].grad!));
            Assert.Equal(before[1], ElementAccess.Values(parameters[1].grad!)); // of one dimension: not asked for
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.strength = 2);
        Assert.Equal(1, optimizer.strength);
    }

    /// <summary>With plain SGD the weights' norm can then only grow.</summary>
    [Fact]
    public void A_parameter_without_gradient_is_skipped_and_others_move_across_their_weights()
    {
        using var scope = NewDisposeScope();
        var parameters = Model();
        parameters[1].grad = null;
        Backward(parameters, 4, without: 1);
        using var optimizer = optim.PerpGrad(optim.SGD(parameters, 0.1), PerpGradGranularity.Global);
        double[] norms = [.. parameters.Select(parameter => parameter.norm().item<float>())];
        var (before, still) = (cat([parameters[0].flatten(), parameters[2].flatten()]).norm().item<float>(), ElementAccess.Values(parameters[1]));
        optimizer.step();
        Assert.True(cat([parameters[0].flatten(), parameters[2].flatten()]).norm().item<float>() > before);
        Assert.Equal(still, ElementAccess.Values(parameters[1]));
    }

    [Fact]
    public void Disposing_the_wrapper_disposes_the_inner_optimizer_once_or_twice()
    {
        using var scope = NewDisposeScope();
        var parameters = Model();
        long before = Live.Counts().Tensors;
        var inner = optim.AdamW(parameters);
        var optimizer = optim.PerpGrad(inner);
        Backward(parameters, 1);
        optimizer.step();
        foreach (var parameter in parameters)
        {
            parameter.grad = null;
        }

        optimizer.Dispose();
        Live.Collect();
        Assert.Equal(before, Tensor.TotalCount); // the moments are gone
        inner.Dispose();
        optimizer.Dispose();
    }

    private static Parameter[] Model()
    {
        var random = new Random(12);
        return [.. ((long[][])[[6, 5], [6], [2, 3, 4]]).Select(shape => nn.Parameter(PerpGradTests.Pair(random, shape, ScalarType.Float32).W))];
    }

    private static Parameter[] Copy(Parameter[] parameters) => [.. parameters.Select(parameter => nn.Parameter(parameter.detach().clone()))];

    /// <summary>Gradients that have a part along the weight, from a loss that is not linear.</summary>
    private static void Backward(Parameter[] parameters, int seed, int? without = null)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        for (int i = 0; i < parameters.Length; i++)
        {
            if (i != without)
            {
                parameters[i].grad = null;
                var target = OperatorContract.Logits(random, parameters[i].shape, ScalarType.Float32, 1);
                (parameters[i] - target).pow(2).sum().backward();
            }
        }
    }
}
