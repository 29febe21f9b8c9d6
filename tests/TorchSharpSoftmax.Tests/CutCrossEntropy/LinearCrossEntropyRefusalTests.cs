using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Options = TorchSharpSoftmax.LinearCrossEntropyOptions;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>What the linear cross-entropies refuse, by name and before any work.</summary>
public sealed class LinearCrossEntropyRefusalTests
{
    private const string OfClasses = "Int64 is required for class numbers, a floating dtype for probabilities.";

    [Fact]
    public void Tensors_that_are_none_or_of_another_dtype()
    {
        using var scope = NewDisposeScope();
        var (x, w, y) = (ones(2, 3), ones(5, 3), tensor([0L, 1L]));
        var gone = ones(2, 3);
        gone.Dispose();
        Refuses<ArgumentNullException>("input", "'input' is null; a tensor is required.", () => F.linear_cross_entropy(null!, w, y));
        Refuses<ArgumentNullException>("linear_weight", "'linear_weight' is null; a tensor is required.", () => F.linear_cross_entropy(x, null!, y));
        Refuses<ArgumentNullException>("target", "'target' is null; a tensor is required.", () => F.linear_cross_entropy(x, w, null!));
        foreach (var (name, call) in (IEnumerable<(string, Func<Tensor>)>)[
            ("input", () => F.linear_cross_entropy(gone, w, y)), ("linear_weight", () => F.linear_cross_entropy(x, gone, y)), ("target", () => F.linear_cross_entropy(x, w, gone)),
            ("linear_bias", () => F.linear_cross_entropy(x, w, y, gone)), ("weight", () => F.linear_cross_entropy(x, w, y, weight: gone)),
            ("token_weights", () => F.linear_cross_entropy(x, w, y, options: new() { token_weights = gone })),
            ("target_probabilities", () => F.linear_cross_entropy(x, w, zeros([2, 2], ScalarType.Int64), options: new() { target_probabilities = gone }))])
        {
            Refuses<ArgumentException>(name, $"'{name}' has been disposed; a live tensor is required.", call);
        }

        Refuses<ArgumentException>("input", "'input' has dtype Int64; a floating dtype is required.", () => F.linear_cross_entropy(ones([2, 3], ScalarType.Int64), w, y));
        Refuses<ArgumentException>("linear_weight", "'linear_weight' has dtype Float64; Float32 is required.", () => F.linear_cross_entropy(x, w.@double(), y));
        Refuses<ArgumentException>("linear_bias", "'linear_bias' has dtype BFloat16; Float32 is required.", () => F.linear_cross_entropy(x, w, y, ones([5], ScalarType.BFloat16)));
        Refuses<ArgumentException>("weight", "'weight' has dtype Float64; Float32 is required.", () => F.linear_cross_entropy(x, w, y, weight: ones([5], ScalarType.Float64)));
        Refuses<ArgumentException>("target", $"'target' has dtype Int32; {OfClasses}", () => F.linear_cross_entropy(x, w, y.@int()));
        Refuses<ArgumentException>("target", $"'target' has dtype Bool; {OfClasses}", () => F.linear_cross_entropy(x, w, ones([2, 5], ScalarType.Bool)));
        Refuses<ArgumentException>("target", "'target' has dtype Float64; Float32 is required.", () => F.linear_cross_entropy(x, w, ones([2, 5], ScalarType.Float64)));
        Refuses<ArgumentException>(
            "token_weights", "'token_weights' has dtype Int64; a floating dtype is required.", () => F.linear_cross_entropy(x, w, y, options: new() { token_weights = y }));
        Refuses<ArgumentException>(
            "target_probabilities", "'target_probabilities' has dtype Int64; a floating dtype is required.",
            () => F.linear_cross_entropy(x, w, zeros([2, 2], ScalarType.Int64), options: new() { target_probabilities = zeros([2, 2], ScalarType.Int64) }));
    }

    [Fact]
    public void Shapes_that_do_not_fit()
    {
        using var scope = NewDisposeScope();
        var (x, w, y) = (ones(2, 3), ones(5, 3), tensor([0L, 1L]));
        Refuses<ArgumentException>("input", "'input' has shape []; [D], [N, D] or [..., D] is required.", () => F.linear_cross_entropy(tensor(1f), w, y));
        foreach (var other in (Tensor[])[ones(5, 4), ones(3), ones(5, 3, 1), ones(0, 3)])
        {
            Refuses<ArgumentException>(
                "linear_weight", $"'linear_weight' has shape {Check.Text(other.shape)}; [C, 3] with C of 1 or more is required.", () => F.linear_cross_entropy(x, other, y));
        }

        Refuses<ArgumentException>("linear_bias", "'linear_bias' has shape [4]; [5] is required.", () => F.linear_cross_entropy(x, w, y, ones(4)));
        Refuses<ArgumentException>("weight", "'weight' has shape [5, 1]; [5] is required.", () => F.linear_cross_entropy(x, w, y, weight: ones(5, 1)));
        Refuses<ArgumentException>("target", "'target' has shape [3]; [2] is required.", () => F.linear_cross_entropy(x, w, zeros([3], ScalarType.Int64)));
        Refuses<ArgumentException>("target", "'target' has shape [2]; [2, 1] is required.", () => F.linear_cross_entropy(ones(2, 1, 3), w, y));
        Refuses<ArgumentException>("target", "'target' has shape [2, 3]; [2, 5] is required.", () => F.linear_cross_entropy(x, w, x));
        Refuses<ArgumentException>(
            "token_weights", "'token_weights' has shape [2, 1]; [2] is required.", () => F.linear_cross_entropy(x, w, y, options: new() { token_weights = ones(2, 1) }));
        const string sparse = "[2, K] with K of 1 to 5 is required beside 'target_probabilities'.";
        var shares = new Options { target_probabilities = ones(2, 2) };
        Refuses<ArgumentException>("target", $"'target' has shape [2]; {sparse}", () => F.linear_cross_entropy(x, w, y, options: shares));
        Refuses<ArgumentException>("target", $"'target' has shape [3, 2]; {sparse}", () => F.linear_cross_entropy(x, w, zeros([3, 2], ScalarType.Int64), options: shares));
        Refuses<ArgumentException>("target", $"'target' has shape [2, 6]; {sparse}", () => F.linear_cross_entropy(x, w, zeros([2, 6], ScalarType.Int64), options: shares));
        Refuses<ArgumentException>("target", $"'target' has shape [2, 0]; {sparse}", () => F.linear_cross_entropy(x, w, zeros([2, 0], ScalarType.Int64), options: shares));
        Refuses<ArgumentException>(
            "target_probabilities", "'target_probabilities' has shape [2, 2]; [2, 3] is required.",
            () => F.linear_cross_entropy(x, w, zeros([2, 3], ScalarType.Int64), options: shares));
    }

    [Fact]
    public void Class_numbers_that_are_none_by_value_and_place()
    {
        using var scope = NewDisposeScope();
        var (x, w) = (ones(4, 5, 3), ones(113, 3));
        var numbers = zeros([4, 5], ScalarType.Int64);
        numbers[3, 2] = tensor(113L);
        Refuses<ArgumentOutOfRangeException>(
            "target", "'target' is 113 at [3, 2]; 0 to 112, or ignore_index (-100), is required.", () => F.linear_cross_entropy(x, w, numbers));
        Refuses<ArgumentOutOfRangeException>(
            "target", "'target' is 113 at [3, 2]; 0 to 112, or ignore_index (7), is required.",
            () => F.linear_cross_entropy(x, w, numbers, ignore_index: 7, options: new() { shift = 2 }));
        Refuses<ArgumentOutOfRangeException>(
            "target", "'target' is -1; 0 to 4, or ignore_index (-100), is required.", () => F.linear_cross_entropy(ones(3), ones(5, 3), tensor(-1L)));
        _ = F.linear_cross_entropy(x, w, numbers, ignore_index: 113);
        _ = F.linear_cross_entropy(x, w, numbers, options: new() { shift = 3 }); // no token's target
        var shares = new Options { target_probabilities = ones(2, 3) };
        Refuses<ArgumentOutOfRangeException>(
            "target", "'target' is 5 at [1, 0]; 0 to 4, or ignore_index (-100), is required.",
            () => F.linear_cross_entropy(ones(2, 3), ones(5, 3), tensor([0L, 1, 2, 5, -100, 1], [2, 3]), options: shares));
        Refuses<ArgumentException>(
            "target", "'target' has 2 a second time at [1, 2]; different classes of one token are required.",
            () => F.linear_cross_entropy(ones(2, 3), ones(5, 3), tensor([2L, 1, 0, 2, -100, 2], [2, 3]), options: shares));
    }

    [Fact]
    public void Arguments_and_options_outside_their_range()
    {
        using var scope = NewDisposeScope();
        var (x, w, y) = (ones(2, 3), ones(5, 3), tensor([0L, 1L]));
        void Of(string argument, string value, string required, Options options) => Refuses<ArgumentOutOfRangeException>(
            argument, $"'{argument}' is {value}; {required} is required.", () => F.linear_cross_entropy(x, w, y, options: options));
        Refuses<ArgumentOutOfRangeException>("label_smoothing", "'label_smoothing' is 1.5; 0 to 1 is required.", () => F.linear_cross_entropy(x, w, y, label_smoothing: 1.5));
        Refuses<ArgumentOutOfRangeException>("label_smoothing", "'label_smoothing' is NaN; 0 to 1 is required.", () => F.linear_cross_entropy(x, w, y, label_smoothing: double.NaN));
        Refuses<ArgumentOutOfRangeException>("reduction", "'reduction' is 3; None, Mean or Sum is required.", () => F.linear_cross_entropy(x, w, y, reduction: (Reduction)3));
        Of("softcap", "-1", "more than 0, or null,", new() { softcap = -1 });
        Of("softcap", "0", "more than 0, or null,", new() { softcap = 0 });
        Of("softcap", "NaN", "more than 0, or null,", new() { softcap = double.NaN });
        Of("logit_scale", "NaN", "a finite number", new() { logit_scale = double.NaN });
        Of("logit_scale", "Infinity", "a finite number", new() { logit_scale = double.PositiveInfinity });
        Of("z_loss", "-0.1", "0 or more", new() { z_loss = -0.1 });
        Of("z_loss", "NaN", "0 or more", new() { z_loss = double.NaN });
        Of("link", "7", "Softmax or StableMax", new() { link = (CrossEntropyLink)7 });
        Of("mode", "3", "Auto, GradientInForward or Recompute", new() { mode = (LinearCrossEntropyMode)3 });
        Of("all_ignored", "-1", "NaN, Zero or Throw", new() { all_ignored = (LinearCrossEntropyAllIgnored)(-1) });
        Of("shift", "-1", "0 to 1, less than the input's tokens,", new() { shift = -1 });
        Of("shift", "2", "0 to 1, less than the input's tokens,", new() { shift = 2 });
        Refuses<ArgumentOutOfRangeException>(
            "shift", "'shift' is 1; 0 is required.", () => F.linear_cross_entropy(ones(3), w, tensor(0L), options: new() { shift = 1 }));
        Refuses<ArgumentOutOfRangeException>(
            "outputs", "'outputs' is 16; a combination of LogSumExp, NegativeLogLikelihood, Entropy and Argmax is required.",
            () => F.linear_cross_entropy_outputs(x, w, y, (LinearCrossEntropyResults)16).loss);
        foreach (double eps in (double[])[0, 1, -0.5, double.NaN])
        {
            string message = $"'eps' is {eps}; more than 0 and less than 1 is required.";
            Assert.StartsWith(message, Assert.Throws<ArgumentOutOfRangeException>("eps", () => LinearCrossEntropyFilter.Threshold(eps)).Message, StringComparison.Ordinal);
            Assert.StartsWith(message, Assert.Throws<ArgumentOutOfRangeException>("eps", () => LinearCrossEntropyFilter.Stochastic(eps, 1)).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Where nothing is computed beside the loss any workspace will do.</summary>
    [Fact]
    public void A_workspace_with_less_than_one_tile()
    {
        using var scope = NewDisposeScope();
        var y = tensor([0L, 1L]);
        foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16])
        {
            var (x, w) = (ones([2, 33], dtype), ones([129, 33], dtype));
            var expected = F.linear_cross_entropy(x, w, y).to_type(ScalarType.Float64).item<double>();
            foreach (var leaf in (Tensor[])[x, x.detach().requires_grad_()])
            {
                long least = CutCrossEntropyPasses.LeastWorkspace(w, inForward: leaf.requires_grad);
                Assert.Equal(leaf.requires_grad, least > 0);
                Refuses<ArgumentOutOfRangeException>(
                    "workspace", $"'workspace' is {least - 1}{(least > 0 ? " bytes" : "")}; {(least > 0 ? $"{least} or more, or null, is required for this head." : "0 or more, or null, is required.")}",
                    () => F.linear_cross_entropy(leaf, w, y, options: new() { workspace = least - 1 }));
                var loss = F.linear_cross_entropy(leaf, w, y, options: new() { workspace = least });
                Assert.Equal(expected, loss.to_type(ScalarType.Float64).item<double>(), 0.05);
            }
        }
    }

    [Fact]
    public void What_does_not_go_together()
    {
        using var scope = NewDisposeScope();
        var (x, w, y, p) = (ones(2, 3), ones(5, 3), tensor([0L, 1L]), ones(2, 5));
        Refuses<ArgumentException>(
            "mode",
            "'mode' is GradientInForward beside reduction None, whose upstream gradients come later; Mean or Sum, or mode Auto or Recompute, is required.",
            () => F.linear_cross_entropy(x, w, y, reduction: Reduction.None, options: new() { mode = LinearCrossEntropyMode.GradientInForward }));
        Refuses<ArgumentException>(
            "ignore_index", "'ignore_index' is 2 beside probabilities; class numbers (Int64), or no ignore_index, is required.",
            () => F.linear_cross_entropy(x, w, p, ignore_index: 2));
        Refuses<ArgumentException>(
            "target_probabilities",
            "'target_probabilities' is given beside a target of probabilities; class numbers (Int64), or no target_probabilities, is required.",
            () => F.linear_cross_entropy(x, w, p, options: new() { target_probabilities = p }));
        Refuses<ArgumentException>(
            "weight", "'weight' requires grad; with class numbers it has no derivative: a weight that does not require grad, or no_grad(), is required.",
            () => F.linear_cross_entropy(x, w, y, weight: ones(5).requires_grad_()));
        Refuses<ArgumentException>(
            "token_weights", "'token_weights' requires grad; it has no derivative: a tensor that does not require grad, or no_grad(), is required.",
            () => F.linear_cross_entropy(x, w, y, options: new() { token_weights = ones(2).requires_grad_() }));
        Refuses<ArgumentException>(
            "target", "'target' has no token that counts; one or more is required where 'all_ignored' is Throw.",
            () => F.linear_cross_entropy(x, w, full([2], -100L, ScalarType.Int64), options: new() { all_ignored = LinearCrossEntropyAllIgnored.Throw }));
        using (no_grad())
        {
            _ = F.linear_cross_entropy(x, w, y, weight: ones(5).requires_grad_(), options: new() { token_weights = ones(2).requires_grad_() });
        }
    }

    [Fact]
    public void Modules_refuse_what_they_can_before_they_have_parameters()
    {
        long tensors = Live.Counts().Tensors;
        Assert.Throws<ArgumentOutOfRangeException>("in_features", () => nn.LinearCrossEntropyLoss(0, 3));
        Assert.Throws<ArgumentOutOfRangeException>("num_classes", () => nn.LinearCrossEntropyLoss(3, -1));
        Assert.Throws<ArgumentOutOfRangeException>("label_smoothing", () => nn.LinearCrossEntropyLoss(3, 4, label_smoothing: 2));
        Assert.Throws<ArgumentOutOfRangeException>("softcap", () => nn.LinearCrossEntropyLoss(3, 4, options: new() { softcap = -1 }));
        Assert.Equal(tensors, Tensor.TotalCount);
    }

    [Fact]
    public void A_refusal_leaves_no_node_and_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        var (x, w) = (ones(2, 3).requires_grad_(), ones(5, 3).requires_grad_());
        var (target, bias, weight) = (tensor([0L, 5L]), ones(5), ones(5));
        var (nodes, tensors) = Live.Counts();
        for (int i = 0; i < 10; i++)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => F.linear_cross_entropy(x, w, target, bias, weight));
            Assert.Throws<ArgumentOutOfRangeException>(() => F.linear_cross_entropy(x, w, target, bias, weight, options: new() { workspace = 1 }));
        }

        Assert.Equal((nodes, tensors), (Live.Nodes, Tensor.TotalCount));
    }

    private static void Refuses<TException>(string argument, string message, Func<Tensor> call) where TException : ArgumentException
    {
        var refusal = Assert.ThrowsAny<TException>(call);
        Assert.Equal(argument, refusal.ParamName);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
