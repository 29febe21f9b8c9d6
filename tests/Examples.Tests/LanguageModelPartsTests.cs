using LanguageModel;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>The example's parts against plain definitions of them.</summary>
[Collection(InThisProcess.Name)]
public sealed class LanguageModelPartsTests : IDisposable
{
    private static readonly Experiment Small = new() { Width = 8, Blocks = 2, Heads = 2, Context = 6, Batch = 5 };

    private readonly string _folder = Directory.CreateTempSubdirectory("language-model").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Words_are_small_letters_and_apostrophes_the_frequent_ones_first_and_those_that_occur_once_are_unknown()
    {
        SmallWordNet.Write(_folder, ["The cat; \"it's a cat\"", "a dog's-tail (the tail)", "cat 42, the A"]);

        var text = Text.Read(_folder, seed: 0);

        Assert.Equal((3, 13), (text.Definitions, text.Words)); // the cat it's a cat / a dog's tail the tail / cat the a
        Assert.Equal(["<end>", "<unknown>", "a", "cat", "the", "tail"], text.Vocabulary);
        Assert.Equal([0], text.Validation);
        Assert.Equal(0, text.Train[0]);
        string[] definitions = [.. string.Join(' ', text.Train.Skip(1)).Split(" 0").Select(d => d.Trim()).Where(d => d.Length > 0)];
        Assert.Equal(["2 1 5 4 5", "3 4 2", "4 3 1 2 3"], definitions.Order());
    }

    [Fact]
    public void Another_seed_orders_and_holds_out_otherwise_and_the_same_one_the_same()
    {
        SmallWordNet.Write(_folder);
        Text text = Text.Read(_folder, 1), again = Text.Read(_folder, 1), other = Text.Read(_folder, 2);

        Assert.Equal(text.Train, again.Train);
        Assert.Equal(text.Validation, again.Validation);
        Assert.Equal(text.Vocabulary, other.Vocabulary);
        Assert.NotEqual(text.Train, other.Train);
        Assert.NotEqual(text.Validation, other.Validation);
        Assert.Equal(8, text.Validation.Count(t => t == Text.End) - 1); // one of fifty
        Assert.Equal(392, text.Train.Count(t => t == Text.End) - 1);
    }

    [Fact]
    public void WordNet_has_its_117659_definitions_and_more_than_30000_words_that_occur_twice()
    {
        if (!File.Exists(Path.Combine(Text.DefaultFolder, "data.noun")))
        {
            Assert.Skip("Needs WordNet, which Setup installs where it can.");
        }

        var text = Text.Read(Text.DefaultFolder, seed: 0);

        Assert.Equal((117_659, 1_464_049, 34_480), (text.Definitions, text.Words, text.Vocabulary.Length));
        Assert.Equal(["<end>", "<unknown>", "the", "a", "of"], text.Vocabulary[..5]);
        int[] all = [.. text.Train, .. text.Validation];
        Assert.Equal(117_659 + 2, all.Count(t => t == Text.End));
        Assert.InRange(all.Count(t => t == Text.Unknown), 1, 0.02 * text.Words);
        Assert.Equal((0, text.Vocabulary.Length - 1), (all.Min(), all.Max()));
    }

    [Fact]
    public void The_heads_bias_starts_as_the_logarithm_of_frequencies_that_sum_to_one()
    {
        var text = Text.Read(SmallWordNet.Write(_folder), seed: 0);

        float[] logs = text.LogFrequencies();

        Assert.Equal(1, logs.Sum(l => Math.Exp(l)), 1e-5);
        double ends = text.Train.Count(t => t == Text.End) + 1.0;
        Assert.Equal(Math.Log(ends / (text.Train.Length + text.Vocabulary.Length)), logs[Text.End], 1e-5);
    }

    [Fact]
    public void An_epoch_has_each_window_once_and_a_target_is_the_next_token()
    {
        using var scope = NewDisposeScope();
        int[] tokens = [.. Enumerable.Range(100, 104)]; // 17 windows of 6: three batches of 5, and two windows that wait
        var batches = new Batches(tokens, Small);

        (long[] Input, long[] Target)[] steps = [.. Enumerable.Range(0, 6).Select(step => Values(batches.OfStep(step)))];

        Assert.Equal(17, batches.Windows);
        Assert.All(steps, s => Assert.Equal(s.Input.Select(t => t + 1), s.Target));
        foreach ((long[] Input, long[] Target)[] epoch in new[] { steps[..3], steps[3..] })
        {
            long[] starts = [.. epoch.SelectMany(s => s.Input.Chunk(6).Select(w => w[0]))];
            Assert.Equal(15, starts.Distinct().Count());
            Assert.All(starts, s => Assert.Equal(0, (s - 100) % 6));
        }

        Assert.NotEqual(steps[0].Input, steps[3].Input);
        Assert.Equal(steps[4].Input, Values(new Batches(tokens, Small).OfStep(4)).Input); // whatever came before
        Assert.NotEqual(steps[4].Input, Values(new Batches(tokens, Small with { Seed = 1 }).OfStep(4)).Input);
        Assert.Equal([5, 5, 2], batches.First(12).Select(b => b.Input.size(0)));

        static (long[] Input, long[] Target) Values((Tensor Input, Tensor Target) batch) => ([.. batch.Input.data<long>()], [.. batch.Target.data<long>()]);
    }

    [Fact]
    public void No_hidden_row_depends_on_a_later_word_and_each_on_all_earlier_ones_and_their_places()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var model = new Model(Small, Text.Read(SmallWordNet.Write(_folder), seed: 0));
        long[] words = [2, 3, 4, 5, 6, 7];

        Tensor before = Rows(words);
        for (int at = 0; at < words.Length; at++)
        {
            Tensor after = Rows([.. words[..at], 9, .. words[(at + 1)..]]);
            Tensor moved = (after - before).abs().amax([1]);
            Assert.All(moved.data<float>().ToArray()[..at], m => Assert.Equal(0, m));
            Assert.All(moved.data<float>().ToArray()[at..], m => Assert.True(m > 1e-6, $"A row does not see word {at}."));
        }

        Tensor swapped = Rows([3, 2, 4, 5, 6, 7]);
        Assert.True((swapped - before).select(0, 5).abs().max().item<float>() > 1e-7);

        Tensor Rows(long[] tokens) => model.call(tensor(tokens, [1, tokens.Length])).detach();
    }

    [Theory]
    [InlineData("LinearCrossEntropy")]
    [InlineData("CrossEntropy")]
    public void A_loss_and_its_gradients_are_those_of_the_definition_in_float64(string name)
    {
        using var scope = NewDisposeScope();
        (Tensor hidden, Tensor head, Tensor bias, Tensor target) = Head();
        (Tensor mean, Tensor[] exact) = Exact(hidden, head, bias, target);

        Tensor loss = Losses.Create(Enum.Parse<LossName>(name)).Mean(hidden, head, bias, target);
        loss.backward();

        double eps = Math.Pow(2, -23);
        Assert.Equal(mean.item<double>(), loss.item<float>(), 8 * eps * mean.item<double>());
        Tensor[] actual = [hidden.grad!, head.grad!, bias.grad!];
        Assert.All(exact.Zip(actual), pair => AssertNear(pair.First, pair.Second, 32 * eps * pair.First.abs().max().item<double>()));
    }

    [Fact]
    public void A_filtered_gradient_misses_no_more_than_what_is_below_the_threshold()
    {
        using var scope = NewDisposeScope();
        (Tensor hidden, Tensor head, Tensor bias, Tensor target) = Head();
        (_, Tensor[] exact) = Exact(hidden, head, bias, target);

        new FilteredLinearCrossEntropy(LinearCrossEntropyFilter.Threshold(Losses.Threshold)).Mean(hidden, head, bias, target).backward();

        double missing = Losses.Threshold / hidden.size(0);
        AssertNear(exact[0], hidden.grad!, missing * head.detach().abs().sum(dim: 0).max().item<float>());
        AssertNear(exact[1], head.grad!, missing * hidden.detach().abs().sum(dim: 0).max().item<float>());
        Assert.True((exact[1] - head.grad!).abs().mean().item<double>() < 0.2 * exact[1].abs().mean().item<double>());
    }

    [Fact]
    public void The_peak_of_memory_counts_what_is_gone_again()
    {
        double before = OwnProcess.PeakMiB();
        byte[]? block = new byte[300 << 20];
        Array.Fill(block, (byte)1);
        GC.KeepAlive(block);

        Assert.InRange(OwnProcess.PeakMiB(), Math.Max(before, 300), 1 << 20);
    }

    /// <summary>Logits with a spread: some words likely, most far below the threshold.</summary>
    private static (Tensor Hidden, Tensor Head, Tensor Bias, Tensor Target) Head()
    {
        manual_seed(11);
        return (randn(21, 8).requires_grad_(), randn(301, 8).mul(1.5).requires_grad_(), randn(301).requires_grad_(), randint(0, 301, [21], dtype: ScalarType.Int64));
    }

    private static (Tensor Mean, Tensor[] Gradients) Exact(Tensor hidden, Tensor head, Tensor bias, Tensor target)
    {
        Tensor[] exact = [.. new[] { hidden, head, bias }.Select(t => t.detach().to_type(ScalarType.Float64).requires_grad_())];
        Tensor mean = nn.functional.cross_entropy(exact[0].matmul(exact[1].t()) + exact[2], target);
        mean.backward();
        return (mean, [.. exact.Select(t => t.grad!)]);
    }

    private static void AssertNear(Tensor expected, Tensor actual, double tolerance)
    {
        double worst = (expected - actual.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(worst <= tolerance, $"Off by {worst}; at most {tolerance} was expected.");
    }
}
