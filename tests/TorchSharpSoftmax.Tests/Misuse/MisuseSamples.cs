using TorchSharp;
using TorchSharp.Modules;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>For every public way into the library, small arguments that it takes; what is left out has its default.</summary>
internal static class MisuseSamples
{
    private static readonly Func<Tensor[], Tensor[]> s_arrays = t => [t[0] * t[0]];
    private static readonly Func<Tensor[], Tensor> s_arrayToOne = t => t[0] * t[0];
    private static readonly Func<Tensor, Tensor[]> s_oneToArray = t => [t * t];
    private static readonly Func<Tensor, Tensor> s_one = t => t * t;

    internal static Dictionary<string, Func<MisuseOwner, object>> All { get; } = new()
    {
        ["two_pass_softmax(input, dim, dtype, algorithm, out)"] = _ => new { input = X(3, 4), @out = X(3, 4) },
        ["two_pass_softmax_(input, dim, algorithm)"] = _ => new { input = X(3, 4) },
        ["two_pass_log_softmax(input, dim, dtype, algorithm, out)"] = _ => new { input = X(3, 4) },
        ["two_pass_log_softmax_(input, dim, algorithm)"] = _ => new { input = X(3, 4) },
        ["two_pass_logsumexp(input, dim, keepdim, out)"] = _ => new { input = X(3, 4), dim = 1L },
        ["stablemax(input, dim, dtype, out)"] = _ => new { input = X(3, 4), @out = X(3, 4) },
        ["stablemax_(input, dim)"] = _ => new { input = X(3, 4) },
        ["log_stablemax(input, dim, dtype, out)"] = _ => new { input = X(3, 4) },
        ["log_stablemax_(input, dim)"] = _ => new { input = X(3, 4) },
        ["TwoPassSoftmax(dim)"] = _ => new { dim = 1L },
        ["TwoPassLogSoftmax(dim)"] = _ => new { dim = 1L },
        ["StableMax(dim)"] = _ => new { dim = 1L },
        ["LogStableMax(dim)"] = _ => new { dim = 1L },
        ["TwoPassSoftmax.forward(input)"] = o => new { receiver = o.Of(nn.TwoPassSoftmax(1)), input = X(3, 4) },
        ["TwoPassLogSoftmax.forward(input)"] = o => new { receiver = o.Of(nn.TwoPassLogSoftmax(1)), input = X(3, 4) },
        ["StableMax.forward(input)"] = o => new { receiver = o.Of(nn.StableMax(1)), input = X(3, 4) },
        ["LogStableMax.forward(input)"] = o => new { receiver = o.Of(nn.LogStableMax(1)), input = X(3, 4) },
        ["UseTwoPassSoftmax(model)"] = o => new { model = o.Of(nn.Sequential(nn.Softmax(1))) },

        ["stablemax_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)"] = _ => new { input = X(3, 4), target = Numbers(4, 3), weight = X(4).abs() },
        ["collapse_free_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)"] = _ => new { input = X(3, 4, 2), target = Numbers(4, 3, 2) },
        ["StableMaxCrossEntropyLoss(weight, ignore_index, reduction, label_smoothing)"] = _ => new { weight = X(4).abs() },
        ["CollapseFreeCrossEntropyLoss(weight, ignore_index, reduction, label_smoothing)"] = _ => new { weight = X(4).abs() },
        ["StableMaxCrossEntropyLoss.forward(input, target)"] = o => new { receiver = o.Of(nn.StableMaxCrossEntropyLoss()), input = X(3, 4), target = Numbers(4, 3) },
        ["CollapseFreeCrossEntropyLoss.forward(input, target)"] = o => new { receiver = o.Of(nn.CollapseFreeCrossEntropyLoss()), input = X(3, 4), target = X(3, 4).abs() },
        ["linear_cross_entropy(input, linear_weight, target, linear_bias, weight, reduction, ignore_index, label_smoothing, options)"] =
            _ => new { input = X(3, 2), linear_weight = X(5, 2), target = Numbers(5, 3), linear_bias = X(5), weight = X(5).abs() },
        ["linear_cross_entropy_outputs(input, linear_weight, target, outputs, linear_bias, weight, reduction, ignore_index, label_smoothing, options)"] =
            _ => new { input = X(3, 2), linear_weight = X(5, 2), target = X(3, 5).abs(), outputs = LinearCrossEntropyResults.LogSumExp, linear_bias = X(5) },
        ["LinearCrossEntropyLoss(in_features, num_classes, bias, device, dtype, reduction, weight, ignore_index, label_smoothing, options)"] =
            _ => new { in_features = 2L, num_classes = 5L, weight = X(5).abs() },
        ["LinearCrossEntropyLoss.forward(input, target)"] = o => new { receiver = o.Of(nn.LinearCrossEntropyLoss(2, 5)), input = X(3, 2), target = Numbers(5, 3) },

        ["perp_grad(weight, granularity, rescale, eps, strength)"] = _ => new { weight = X(3, 4) },
        ["perp_projection(weight, grad, granularity, rescale, eps, strength)"] = _ => new { weight = X(3, 4), grad = X(3, 4) },
        ["perp_grad_(parameters, granularity, rescale, eps, strength, filter)"] = o => new { parameters = Parameters(o) },
        ["PerpGrad(inner, granularity, rescale, eps, strength, filter)"] = o => new { inner = o.Of(optim.SGD(Parameters(o), 0.1)) },
        ["softmax_collapse_fraction(logits, dtype)"] = _ => new { logits = X(3, 4) },
        ["zero_loss_fraction(losses)"] = _ => new { losses = X(3) },
        ["zero_loss_fraction(logits, target, ignore_index)"] = _ => new { logits = X(3, 4), target = Numbers(4, 3) },
        ["naive_loss_minimization_cosine(parameters)"] = o => new { parameters = Parameters(o) },

        ["naive_loss_minimization_cosine(named parameters)"] = o => new { parameters = Parameters(o).Select((p, i) => ($"p{i}", p)).ToArray() },

        ["topk_gate(logits, k, mode, bias, num_groups, topk_groups, scale, statistics)"] =
            _ => new { logits = X(3, 4), k = 2L, mode = TopKGateMode.Sigmoid, bias = X(4), num_groups = 2L, topk_groups = 1L },
        ["dense_to_sparse_gate(logits, double temperature, threshold, gumbel, top1)"] = _ => new { logits = X(3, 4), threshold = 0.1 },
        ["dense_to_sparse_gate(logits, temperature, threshold, gumbel, top1)"] = _ => new { logits = X(3, 4), temperature = X(1).abs() + 0.5 },
        ["activation_dense_to_sparse_gate(scores, activation, bias, temperature, threshold, gumbel, top1)"] =
            _ => new { scores = X(3, 4), activation = DenseToSparseActivation.SiLU, bias = X(4), temperature = X(1).abs() + 0.5 },
        ["activation_dense_to_sparse_gate(scores, activation, bias, double temperature, threshold, gumbel, top1)"] =
            _ => new { scores = X(3, 4), activation = DenseToSparseActivation.Tanh, bias = X(4) },
        ["expert_choice_gate(logits, capacity)"] = _ => new { logits = X(3, 4), capacity = 2L },
        ["noisy_top_k_gate(logits, noise_stddev, k)"] = _ => new { logits = X(3, 4), noise_stddev = X(3, 4).abs(), k = 2L },
        ["expert_permutation(indices, num_experts, capacity, priority)"] = _ => new { indices = Numbers(4, 3, 2), num_experts = 4L, capacity = (long?)2, priority = X(3, 2) },
        ["load_balance_loss(probabilities, indices, alpha, mask, per_sequence, first_choice)"] =
            _ => new { probabilities = X(2, 3, 4), indices = Numbers(4, 2, 3, 2), mask = ones([2, 3], ScalarType.Bool) },
        ["load_balance_loss_from_counts(counts, mean_probability, alpha)"] = _ => new { counts = Numbers(4, 4), mean_probability = X(4) },
        ["importance_loss(weights, coefficient, indices, num_experts, mask)"] =
            _ => new { weights = X(3, 2), indices = Numbers(4, 3, 2), num_experts = (long?)4, mask = ones([3], ScalarType.Bool) },
        ["load_loss(logits, noisy_logits, noise_stddev, k, coefficient, mask)"] =
            _ => new { logits = X(3, 4), noisy_logits = X(3, 4), noise_stddev = X(3, 4).abs() + 0.1, k = 2L, mask = ones([3], ScalarType.Bool) },
        ["router_z_loss(logits, coefficient, mask)"] = _ => new { logits = X(3, 4), mask = ones([3], ScalarType.Bool) },
        ["router_z_loss_from_lse(lse, coefficient, mask)"] = _ => new { lse = X(3), mask = ones([3], ScalarType.Bool) },

        ["TopKGate(in_features, num_experts, k, mode, bias, jitter, num_groups, topk_groups, scale, bias_update_rate, statistics, trainable, device, dtype)"] =
            _ => new { in_features = 2L, num_experts = 4L, k = 2L },
        ["DenseToSparseGate(in_features, num_experts, bias, schedule, learnable_temperature, options, device, dtype)"] = _ => new { in_features = 2L, num_experts = 4L },
        ["ActivationDenseToSparseGate(in_features, num_experts, activation, bias, schedule, learnable_temperature, options, device, dtype)"] =
            _ => new { in_features = 2L, num_experts = 4L },
        ["NoisyTopKGate(in_features, num_experts, k, trainable, device, dtype)"] = _ => new { in_features = 2L, num_experts = 4L },
        ["ExpertChoiceGate(in_features, num_experts, capacity_factor, device, dtype)"] = _ => new { in_features = 2L, num_experts = 4L },
        ["MoE(gate, experts, capacity_factor)"] = o => new { gate = o.Of(nn.NoisyTopKGate(2, 2)), experts = Experts(o) },
        ["TopKGate.forward(input)"] = o => new { receiver = o.Of(nn.TopKGate(2, 4, 2)), input = X(3, 2) },
        ["TopKGate.update_bias(counts)"] = o => new { receiver = o.Of(nn.TopKGate(2, 4, 2, TopKGateMode.Sigmoid)), counts = Numbers(9, 4) },
        ["DenseToSparseGate.forward(input)"] = o => new { receiver = o.Of(nn.DenseToSparseGate(2, 4)), input = X(3, 2) },
        ["ActivationDenseToSparseGate.forward(input)"] = o => new { receiver = o.Of(nn.ActivationDenseToSparseGate(2, 4)), input = X(3, 2) },
        ["NoisyTopKGate.forward(input)"] = o => new { receiver = o.Of(nn.NoisyTopKGate(2, 4)), input = X(3, 2) },
        ["NoisyTopKGate.route(input)"] = o => new { receiver = o.Of(nn.NoisyTopKGate(2, 4)), input = X(3, 2) },
        ["ExpertChoiceGate.forward(input)"] = o => new { receiver = o.Of(nn.ExpertChoiceGate(2, 4)), input = X(3, 2) },
        ["MoE.forward(input)"] = o => new { receiver = Layer(o), input = X(3, 2) },
        ["MoE.route(input)"] = o => new { receiver = Layer(o), input = X(3, 2) },
        ["NoisyTopKOutputs.load_loss(coefficient, mask)"] = o => new { receiver = Routed(o), mask = ones([3], ScalarType.Bool) },
        ["NoisyTopKOutputs.importance_loss(coefficient, mask)"] = o => new { receiver = Routed(o), mask = ones([3], ScalarType.Bool) },
        ["ExpertPermutation.permute(input)"] = o => new { receiver = Permutation(o), input = X(3, 5) },
        ["ExpertPermutation.unpermute(rows, weights)"] = o => new { receiver = Permutation(o), rows = X(6, 5), weights = X(3, 2) },
        ["ExpertPermutation.split(rows)"] = o => new { receiver = Permutation(o), rows = X(6, 5) },

        ["gradcheck(func, inputs[], eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes)"] = _ => new { func = s_arrays, inputs = Leaves() },
        ["gradcheck(func, inputs, eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes)"] = _ => new { func = s_one, inputs = Leaves()[0] },
        ["gradgradcheck(func, inputs[], grad_outputs, eps, atol, rtol, gen_non_contig_grad_outputs, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes)"] =
            _ => new { func = s_arrays, inputs = Leaves() },
        ["gradgradcheck(func, inputs, grad_outputs, eps, atol, rtol, gen_non_contig_grad_outputs, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes)"] =
            _ => new { func = s_one, inputs = Leaves()[0] },
    };

    /// <summary>Functions of the other forms of a gradient check.</summary>
    internal static Delegate FunctionOf(Type type) => ((Delegate[])[s_arrays, s_arrayToOne, s_oneToArray, s_one]).Single(f => f.GetType() == type);

    internal static Tensor X(params long[] shape) => randn(shape);

    internal static Tensor Numbers(long below, params long[] shape) => randint(below, shape, ScalarType.Int64);

    private static Tensor[] Leaves() => [rand([2], ScalarType.Float64).requires_grad_()];

    private static Parameter[] Parameters(MisuseOwner owner)
    {
        var parameter = owner.Of(nn.Parameter(X(3, 4)));
        parameter.grad = X(3, 4);
        return [parameter, owner.Of(nn.Parameter(X(3)))];
    }

    private static nn.Module<Tensor, Tensor>[] Experts(MisuseOwner owner) => [owner.Of(nn.Linear(2, 3)), owner.Of(nn.Linear(2, 3))];

    private static Modules.MoE Layer(MisuseOwner owner) => owner.Of(nn.MoE(owner.Of(nn.NoisyTopKGate(2, 2)), Experts(owner)));

    private static NoisyTopKOutputs Routed(MisuseOwner owner) => owner.Of(F.noisy_top_k_gate(X(3, 4), X(3, 4).abs() + 0.1, 2));

    private static ExpertPermutation Permutation(MisuseOwner owner) => owner.Of(F.expert_permutation(tensor([0L, 1, 2, 0, 1, 3], [3, 2]), 4));
}
