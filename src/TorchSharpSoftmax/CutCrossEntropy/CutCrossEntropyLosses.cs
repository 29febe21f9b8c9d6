using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>From the arguments of a linear cross-entropy to its kernels, or to libtorch's operators.</summary>
internal static class CutCrossEntropyLosses
{
    private const LinearCrossEntropyResults Differentiable =
        LinearCrossEntropyResults.LogSumExp | LinearCrossEntropyResults.NegativeLogLikelihood | LinearCrossEntropyResults.Entropy;

    internal static LinearCrossEntropyOutputs Of(
        Tensor input, Tensor linear_weight, Tensor target, Tensor? linear_bias, Tensor? weight, nn.Reduction reduction, long? ignore_index, double label_smoothing,
        LinearCrossEntropyOptions? given, LinearCrossEntropyResults outputs)
    {
        var options = given ?? new();
        CutCrossEntropyArguments.Head(input, linear_weight, linear_bias, weight);
        CrossEntropyArguments.Options(reduction, label_smoothing);
        CutCrossEntropyArguments.Options(options, reduction);
        CutCrossEntropyArguments.Results(outputs);
        CutCrossEntropyArguments.Shift(options.shift, input);
        var kind = CutCrossEntropyArguments.Targets(target, input, linear_weight.size(0), options.target_probabilities, ignore_index);
        CutCrossEntropyArguments.TokenWeights(options.token_weights, input);
        if (kind == CutCrossEntropyTargetKind.ClassNumbers)
        {
            CrossEntropyArguments.NoGradient(weight);
        }

        bool kernel = HasKernel(input, linear_weight, linear_bias, weight, target, options.target_probabilities);
        bool inForward = kernel && InForward(options.mode, reduction, outputs, input, linear_weight, linear_bias);
        if (kernel)
        {
            CutCrossEntropyArguments.Workspace(options.workspace, CutCrossEntropyPasses.LeastWorkspace(linear_weight, inForward));
        }

        var rows = CutCrossEntropyRows.Of(kind, input, target, linear_weight.size(0), weight, ignore_index ?? -100, options);
        if (rows.Count == 0 && reduction == nn.Reduction.Mean && options.all_ignored == LinearCrossEntropyAllIgnored.Throw)
        {
            throw CutCrossEntropyArguments.NothingCounts(target);
        }

        var call = Call(rows, reduction, label_smoothing, options, outputs, linear_bias is not null, weight is not null);
        using var classWeight = kernel && weight is not null ? Memory.ArithmeticCopy(weight) : weight?.alias();
        Tensor?[] all = [input, linear_weight, linear_bias, classWeight, kind == CutCrossEntropyTargetKind.Probabilities ? target : null];
        Tensor[] tensors = [.. all.OfType<Tensor>()];
        return inForward ? ByGradientInForward(tensors, call, outputs) : ByResults(tensors, call, outputs, kernel, options.target_probabilities);
    }

    private static bool HasKernel(Tensor input, Tensor linear_weight, Tensor? linear_bias, Tensor? weight, Tensor target, Tensor? target_probabilities)
    {
        bool others = is_grad_enabled() && (weight is { requires_grad: true } || target.requires_grad || target_probabilities is { requires_grad: true });
        return !others && linear_weight.size(1) > 0 && !target.is_sparse && weight is not { is_sparse: true }
            && Dtype.HasKernel(input) && Dtype.HasKernel(linear_weight) && (linear_bias is null || Dtype.HasKernel(linear_bias));
    }

    private static bool InForward(
        LinearCrossEntropyMode mode, nn.Reduction reduction, LinearCrossEntropyResults outputs, Tensor input, Tensor linear_weight, Tensor? linear_bias)
    {
        bool wanted = is_grad_enabled() && (input.requires_grad || linear_weight.requires_grad || linear_bias is { requires_grad: true });
        return wanted && reduction != nn.Reduction.None
            && (mode == LinearCrossEntropyMode.GradientInForward || (mode == LinearCrossEntropyMode.Auto && (outputs & Differentiable) == 0));
    }

    internal static CutCrossEntropyCall Call(
        CutCrossEntropyRows rows, nn.Reduction reduction, double label_smoothing, LinearCrossEntropyOptions options, LinearCrossEntropyResults outputs, bool bias,
        bool classWeight) => new()
        {
            Rows = rows,
            Link = options.link,
            Softcap = options.softcap ?? 0,
            Scale = options.logit_scale,
            Smoothing = label_smoothing,
            ZLoss = options.z_loss,
            Reduction = reduction,
            Filter = options.filter.ForKernels(),
            Workspace = options.workspace,
            WantsEntropy = outputs.HasFlag(LinearCrossEntropyResults.Entropy),
            WantsArgmax = outputs.HasFlag(LinearCrossEntropyResults.Argmax),
            HasBias = bias,
            HasClassWeight = classWeight,
            ZeroIfNothing = options.all_ignored == LinearCrossEntropyAllIgnored.Zero,
        };

    private static LinearCrossEntropyOutputs ByGradientInForward(Tensor[] tensors, CutCrossEntropyCall call, LinearCrossEntropyResults outputs)
    {
        var loss = CutCrossEntropyInForwardFunction.Apply(call, tensors);
        using var results = CutCrossEntropyFound.FromState(call);
        var found = CutCrossEntropyFound.Of(results, call);
        return Outputs(loss, found, call, outputs, tensors[CutCrossEntropyCall.Input]);
    }

    private static LinearCrossEntropyOutputs ByResults(
        Tensor[] tensors, CutCrossEntropyCall call, LinearCrossEntropyResults outputs, bool kernel, Tensor? shares)
    {
        var input = tensors[CutCrossEntropyCall.Input];
        if (!kernel)
        {
            var composed = CutCrossEntropyComposed.Of(tensors, shares, call);
            return Outputs(composed.Reduced(call, input.dtype), composed, call, outputs, input);
        }

        using var results = CutCrossEntropyFunction.Apply(call, tensors);
        var found = CutCrossEntropyFound.Of(results, call);
        return Outputs(found.Reduced(call, input.dtype), found, call, outputs, input);
    }

    /// <summary>The per-token results are used up.</summary>
    private static LinearCrossEntropyOutputs Outputs(
        Tensor loss, CutCrossEntropyFound found, CutCrossEntropyCall call, LinearCrossEntropyResults outputs, Tensor input)
    {
        Tensor? Shaped(LinearCrossEntropyResults result, Tensor? perToken) =>
            outputs.HasFlag(result) ? CutCrossEntropyFound.Shaped(perToken!, call, input.dtype) : null;

        var all = new LinearCrossEntropyOutputs(
            loss, Shaped(LinearCrossEntropyResults.LogSumExp, found.LogSumExp), Shaped(LinearCrossEntropyResults.NegativeLogLikelihood, found.Loss),
            Shaped(LinearCrossEntropyResults.Entropy, found.Entropy), Argmax(found, call, input.device), Accuracy(found, call), call.State);
        found.Dispose();
        return all;
    }

    private static Tensor? Argmax(CutCrossEntropyFound found, CutCrossEntropyCall call, Device device) => found.Argmax is not { } argmax
        ? null : tensor(call.Rows.Spread(-1L, i => argmax[i]), call.Rows.Shape, ScalarType.Int64, device);

    private static double Accuracy(CutCrossEntropyFound found, CutCrossEntropyCall call)
    {
        if (found.Argmax is not { } argmax || call.Rows.Kind != CutCrossEntropyTargetKind.ClassNumbers || call.Rows.Count == 0)
        {
            return double.NaN;
        }

        return (double)call.Rows.Targets.Where((y, i) => y == argmax[i]).Count() / call.Rows.Count;
    }
}
