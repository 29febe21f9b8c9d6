using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>Random cases of the dense-to-sparse gates, of the routing losses, and of the permutation by expert.</summary>
internal static class RandomRouting
{
    internal static IEnumerable<RandomFamily> Families =>
    [
        new("dense_to_sparse_gate", (draw, what) => DenseToSparse(draw, what, null)),
        new("activation_dense_to_sparse_gate", (draw, what) => DenseToSparse(draw, what, draw.Of(Enum.GetValues<DenseToSparseActivation>()))),
        new("load_balance_loss", LoadBalance), new("importance_loss", Importance), new("load_loss", Load), new("router_z_loss", RouterZ),
        new("expert_permutation", Permutation),
    ];

    private static void DenseToSparse(RandomDraw draw, string what, DenseToSparseActivation? activation)
    {
        var dtype = draw.Dtype();
        long experts = draw.OneIn(6) ? draw.Size(17, 80) : draw.Size(1, 12);
        long[] shape = [.. draw.Tokens(), experts];
        bool top1 = draw.OneIn(4), heated = draw.OneIn(2);
        double temperature = draw.Of(1, 0.3, 4), threshold = draw.Of(0, 0, 0.05, 0.3);
        var x = draw.Laid(draw.Normal(1, dtype, shape)).detach().requires_grad_();
        var bias = activation is not null && draw.OneIn(2) ? draw.Normal(0.5, dtype, experts).requires_grad_() : null;
        var tau = heated ? tensor(temperature, draw.Of(ScalarType.Float32, ScalarType.Float64)).requires_grad_() : null;
        what = $"{what} {dtype} {Check.Text(shape)} strides {Check.Text(x.stride())} {activation}, temperature {temperature}{(heated ? " with gradient" : "")}, threshold {threshold}, top1 {top1}";
        var found = (activation, tau) switch
        {
            ({ } f, { } t) => F.activation_dense_to_sparse_gate(x, f, bias, t, threshold, top1: top1),
            ({ } f, null) => F.activation_dense_to_sparse_gate(x, f, bias, temperature, threshold, top1: top1),
            (null, { } t) => F.dense_to_sparse_gate(x, t, threshold, top1: top1),
            _ => F.dense_to_sparse_gate(x, temperature, threshold, top1: top1),
        };
        if (x.numel() == 0)
        {
            Assert.Equal(shape[..^1], found.lse.shape);
            return;
        }

        var x64 = x.detach().to_type(ScalarType.Float64).requires_grad_();
        var bias64 = bias?.detach().to_type(ScalarType.Float64).requires_grad_();
        var tau64 = tensor(tau is null ? temperature : ElementAccess.Values(tau)[0], ScalarType.Float64).requires_grad_();
        var z = (activation is { } g ? Operators.Activated(x64, g, bias64) : x64) / tau64;
        var p = z.softmax(-1).reshape(-1, experts);
        var mask = Kept(what, ElementAccess.Values(p), found, experts, threshold, top1);
        long slots = found.indices.size(-1), rows = p.size(0);
        var spread = zeros([rows, experts + 1], found.weights.dtype)
            .scatter_add(1, found.indices.reshape(rows, slots) + 1, found.weights.reshape(rows, slots)).narrow(1, 1, experts);
        double steep = 1 / temperature * (activation is null ? 1 : 30); // cubes and squares of scores
        RandomClose.Assert($"{what}, weights", p * mask, spread, steep);
        RandomClose.Assert($"{what}, lse", z.logsumexp(-1), found.lse, steep);
        RandomClose.Assert($"{what}, mean", p.mean([0L]), found.mean_probability, steep);
        var loss = RandomGates.Sum(
            RandomGates.Product(draw, p * mask, spread), RandomGates.Product(draw, z.logsumexp(-1), found.lse), RandomGates.Product(draw, p.mean([0L]), found.mean_probability));
        autograd.backward(loss.Exact);
        autograd.backward(loss.Ours);
        RandomClose.AssertGradient(what, x64.grad!, x, steep * steep);
        if (bias is not null)
        {
            RandomClose.AssertGradient($"{what}, bias", bias64!.grad!, bias, steep * steep * rows);
        }

        if (tau is not null)
        {
            double coarser = found.weights.dtype == ScalarType.Float32 && tau.dtype == ScalarType.Float64 ? 40 * Math.Pow(2, 29) / 5000 : 1;
            RandomClose.AssertGradient($"{what}, temperature", tau64.grad!, tau, steep * steep * rows * 10 * coarser);
        }
    }

    /// <summary>What may be kept, within rounding of the threshold; as a mask of 0 and 1.</summary>
    private static Tensor Kept(string what, double[] p, RoutingOutputs found, long experts, double threshold, bool top1)
    {
        long[] indices = TopKGateTests.Numbers(found.indices), counts = new long[experts];
        long rows = p.Length / experts, slots = indices.Length / rows;
        var mask = new double[p.Length];
        for (long row = 0; row < rows; row++)
        {
            var of = p.AsSpan((int)(row * experts), (int)experts);
            double most = 0;
            foreach (double share in of)
            {
                most = Math.Max(most, share);
            }

            foreach (long e in indices.AsSpan((int)(row * slots), (int)slots))
            {
                if (e >= 0)
                {
                    Assert.True(mask[(row * experts) + e] == 0, $"{what}: row {row} names expert {e} twice.");
                    mask[(row * experts) + e] = 1;
                    counts[e]++;
                }
            }

            for (int e = 0; e < experts; e++)
            {
                bool kept = mask[(row * experts) + e] == 1, isMost = of[e] >= most - 1e-6;
                bool right = top1 ? !kept || isMost : kept ? of[e] > threshold - 1e-6 || isMost : of[e] <= threshold + 1e-6;
                Assert.True(right, $"{what}: row {row}, expert {e} of probability {of[e]} is {(kept ? "kept" : "left out")}.");
            }
        }

        RandomClose.AssertNumbers($"{what}, counts", counts, found.counts);
        return tensor(mask, [rows, experts], ScalarType.Float64);
    }

    /// <summary>Probabilities [sequences, tokens, experts], chosen experts, and perhaps a mask.</summary>
    private static (Tensor P, Tensor Indices, Tensor? Mask, long Experts) Routed(RandomDraw draw, ScalarType dtype)
    {
        long sequences = draw.Size(1, 4), tokens = draw.Size(1, 12), experts = draw.Size(1, 12);
        int k = (int)draw.Size(1, Math.Min(4, experts));
        var p = draw.Normal(1, ScalarType.Float64, sequences, tokens, experts).softmax(-1).to_type(dtype);
        long[] indices = ExpertPermutationTests.Indices(draw.Random, (int)(sequences * tokens), (int)experts, k, unused: false);
        bool[] mask = [.. Enumerable.Range(0, (int)(sequences * tokens)).Select(i => i % tokens == 0 || draw.Random.Next(3) > 0)];
        return (draw.Laid(p), draw.Laid(tensor(indices, [sequences, tokens, k]), mayExpand: false), draw.OneIn(2) ? tensor(mask, [sequences, tokens]) : null, experts);
    }

    private static void LoadBalance(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        var (values, indices, mask, experts) = Routed(draw, dtype);
        Tensor p = values.detach().requires_grad_(), exact = values.detach().to_type(ScalarType.Float64).requires_grad_();
        bool perSequence = draw.OneIn(2), first = draw.OneIn(3), counted = mask is null && !perSequence && !first && draw.OneIn(2);
        what = $"{what} {dtype} {Check.Text(p.shape)} k {indices.size(-1)}, per sequence {perSequence}, first choice {first}, {(mask is null ? "all" : "masked")}{(counted ? ", from counts" : "")}";
        var ours = counted
            ? F.load_balance_loss_from_counts(bincount(indices.reshape(-1), minlength: experts), p.to_type(Dtype.ArithmeticOf(dtype)).reshape(-1, experts).mean([0L]), 0.3)
            : F.load_balance_loss(p, indices, 0.3, mask, perSequence, first);
        Finish(what, RoutingLossTests.OneHot(exact, indices, 0.3, mask, perSequence, first), ours, 1, (exact, p));
    }

    private static void Importance(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        var (values, indices, mask, experts) = Routed(draw, dtype);
        bool chosen = draw.OneIn(2);
        if (chosen)
        {
            values = values.gather(-1, indices);
        }

        Tensor w = values.detach().requires_grad_(), exact = values.detach().to_type(ScalarType.Float64).requires_grad_();
        var weights = mask is null ? exact : exact * mask.to_type(ScalarType.Float64).unsqueeze(-1);
        var dense = chosen ? zeros([.. exact.shape[..^1], experts], ScalarType.Float64).scatter_add(-1, indices, weights) : weights;
        var sums = dense.reshape(-1, experts).sum(0L);
        var off = sums - sums.mean();
        what = $"{what} {dtype} {Check.Text(w.shape)}, {experts} experts, {(chosen ? "chosen" : "dense")}, {(mask is null ? "all" : "masked")}";
        var ours = chosen ? F.importance_loss(w, 0.2, indices, experts, mask) : F.importance_loss(w, 0.2, mask: mask);
        Finish(what, (off * off).mean() / ((sums.mean() * sums.mean()) + 1e-10) * 0.2, ours, experts * Steep(sums), (exact, w));
    }

    /// <summary>Sums near 0 are divided by: a variation's derivative is a difference of numbers as large as that.</summary>
    private static double Steep(Tensor sums) => Math.Max(1, 1 / sums.detach().mean().item<double>());

    private static void Load(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        long experts = draw.Size(1, 12), k = draw.Size(1, experts), tokens = draw.Size(1, 15);
        var values = TopKGateCase.Apart(draw.Random, [tokens, experts], dtype);
        var deviations = (draw.Normal(0.3, dtype, tokens, experts).abs() + 0.5).to_type(dtype);
        var noisy = TopKGateCase.Apart(draw.Random, [tokens, experts], dtype); // of equal ones, which is the threshold and gets the gradient?
        Tensor[] ours = [.. new[] { values, noisy, deviations }.Select((t, i) => draw.Laid(t, mayExpand: i != 1).detach().requires_grad_())];
        Tensor[] exact = [.. ours.Select(t => t.detach().to_type(ScalarType.Float64).requires_grad_())];
        var mask = draw.OneIn(2) ? tensor([.. Enumerable.Range(0, (int)tokens).Select(i => i == 0 || draw.OneIn(2))], [tokens]) : null;
        what = $"{what} {dtype} [{tokens}, {experts}], k {k}, {(mask is null ? "all" : "masked")}";
        var loss = F.load_loss(ours[0], ours[1], ours[2], k, 0.7, mask);
        if (k == experts)
        {
            Assert.Equal(0, loss.to_type(ScalarType.Float64).item<double>());
            return;
        }

        var top = exact[1].topk((int)k + 1).values;
        var threshold = where(exact[1].gt(top.narrow(1, k, 1)), top.narrow(1, k, 1), top.narrow(1, k - 1, 1));
        var chance = ((exact[0] - threshold) / exact[2] * -Math.Sqrt(0.5)).erfc() * 0.5;
        var sums = (mask is null ? chance : chance * mask.to_type(ScalarType.Float64).unsqueeze(1)).sum(0L);
        var off = sums - sums.mean();
        var reference = (off * off).mean() / ((sums.mean() * sums.mean()) + 1e-10) * 0.7;
        Finish(what, reference, loss, 10 * experts * Steep(sums), (exact[0], ours[0]), (exact[1], ours[1]), (exact[2], ours[2]));
    }

    private static void RouterZ(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        long[] tokens = [draw.Size(1, 5), draw.Size(1, 9)];
        long experts = draw.Size(1, 40);
        var values = draw.Laid(draw.Normal(3, dtype, [.. tokens, experts]));
        Tensor x = values.detach().requires_grad_(), exact = values.detach().to_type(ScalarType.Float64).requires_grad_();
        var mask = draw.OneIn(2) ? tensor([.. Enumerable.Range(0, (int)(tokens[0] * tokens[1])).Select(i => i == 0 || draw.OneIn(2))], tokens) : null;
        bool ofLse = draw.OneIn(3);
        var ours = ofLse ? F.router_z_loss_from_lse(F.two_pass_logsumexp(x.to_type(Dtype.ArithmeticOf(dtype)), -1), 0.3, mask) : F.router_z_loss(x, 0.3, mask);
        var lse = exact.logsumexp(-1);
        var counted = mask is null ? ones_like(lse) : mask.to_type(ScalarType.Float64);
        what = $"{what} {dtype} {Check.Text(x.shape)}, {(mask is null ? "all" : "masked")}{(ofLse ? ", of the lse" : "")}";
        Finish(what, (lse * lse * counted).sum() / counted.sum() * 0.3, ours, 10, (exact, x));
    }

    private static void Permutation(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        long[] shape = draw.Tokens();
        int tokens = (int)shape.Aggregate(1L, (a, b) => a * b), experts = (int)draw.Size(1, 12), k = (int)draw.Size(1, Math.Min(4, experts));
        long width = draw.Size(1, 9);
        long? capacity = draw.OneIn(2) ? draw.Size(1, 4) : null;
        var indices = draw.Laid(tensor(ExpertPermutationTests.Indices(draw.Random, tokens, experts, k, unused: draw.OneIn(2)), [.. shape, k]), mayExpand: false);
        var weights = draw.Laid(draw.Normal(1, draw.Of(ScalarType.Float32, ScalarType.Float64), [.. shape, k])).detach().requires_grad_();
        var x = draw.Laid(draw.Normal(1, dtype, [.. shape, width])).detach().requires_grad_();
        what = $"{what} {dtype} {Check.Text(x.shape)}, {experts} experts, k {k}, capacity {capacity}";
        using var permutation = F.expert_permutation(indices, experts, capacity, capacity is not null && draw.OneIn(2) ? weights.detach() : null);
        long[] slots = TopKGateTests.Numbers(permutation.slots), numbers = TopKGateTests.Numbers(indices);
        Assert.Equal(slots.Length, permutation.counts.Sum());
        Assert.Equal(slots.Length + permutation.dropped, permutation.assigned);
        Assert.Equal(numbers.LongCount(n => n >= 0), permutation.assigned);
        Assert.Equal(slots.OrderBy(slot => numbers[slot]).ThenBy(slot => slot / k), slots);
        Assert.All(permutation.counts, count => Assert.True(count <= (capacity ?? long.MaxValue)));
        Assert.Equal(Enumerable.Range(0, experts).Select(e => Math.Min(numbers.LongCount(n => n == e), capacity ?? long.MaxValue)), permutation.counts);
        var rows = permutation.permute(x);
        Assert.Equal(ElementAccess.Values(x.reshape(tokens, width).index_select(0, permutation.tokens)), ElementAccess.Values(rows));
        var y = permutation.unpermute(rows, weights);
        Assert.Equal((dtype, Check.Text(x.shape)), (y.dtype, Check.Text(y.shape)));
        var kept = zeros([tokens * k], ScalarType.Float64).index_fill(0, permutation.slots, 1).reshape([.. shape, k]);
        Tensor x64 = x.detach().to_type(ScalarType.Float64).requires_grad_(), w64 = weights.detach().to_type(ScalarType.Float64).requires_grad_();
        var exact = x64 * (w64 * kept).sum(-1, keepdim: true);
        RandomClose.Assert($"{what}, output", exact, y, sixteen: true);
        if (tokens > 0)
        {
            var dy = SoftmaxOperator.Upstream(y, draw.Random);
            autograd.backward(exact, dy.to_type(ScalarType.Float64));
            autograd.backward(y, dy);
            RandomClose.AssertGradient(what, x64.grad!, x, k);
            double units = dtype == ScalarType.Float64 && weights.dtype == ScalarType.Float64 ? 5000 : Rough(weights.dtype);
            Close.Assert($"{what}, gradient of the weights", w64.grad!, w64.grad!.to_type(weights.dtype), weights.grad!, width + w64.grad!.abs(), units);
        }

        // sums of products in float32
        static double Rough(ScalarType of) => 40 * Close.Epsilon(ScalarType.Float32) / Close.Epsilon(of);
    }

    private static void Finish(string what, Tensor exact, Tensor ours, double magnitude, params (Tensor Exact, Tensor Ours)[] leaves)
    {
        RandomClose.Assert($"{what}, loss", exact, ours, magnitude);
        exact.backward();
        ours.backward();
        foreach (var (theirs, leaf) in leaves)
        {
            RandomClose.AssertGradient(what, theirs.grad!, leaf, magnitude);
        }
    }
}
