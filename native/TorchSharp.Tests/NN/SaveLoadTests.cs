using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

public class SaveLoadTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Parameters_and_buffers_come_back_bit_for_bit(ScalarType dtype)
    {
        using Model saved = new(dtype);
        using Model loaded = new(dtype);
        string path = Path.GetTempFileName();
        try
        {
            saved.save(path);
            Assert.NotEqual(Bytes(saved), Bytes(loaded));
            Assert.Same(loaded, loaded.load(path));
            Assert.Equal(Bytes(saved), Bytes(loaded));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Streams_and_writers_serve_too_and_a_stream_is_closed()
    {
        using Model saved = new(ScalarType.Float32);
        using Model loaded = new(ScalarType.Float32);
        MemoryStream stream = new();
        saved.save(stream);
        Assert.False(stream.CanWrite);
        using MemoryStream copy = new(stream.ToArray());
        loaded.load(copy);
        Assert.Equal(Bytes(saved), Bytes(loaded));

        using MemoryStream second = new();
        saved.save(new BinaryWriter(second));
        Assert.Equal(stream.ToArray(), second.ToArray());
        second.Position = 0;
        loaded.load(new BinaryReader(second));
        Assert.Equal(second.Length, second.Position);
    }

    [Fact]
    public void The_format_is_TorchSharps()
    {
        using Tiny model = new();
        using MemoryStream stream = new();
        model.save(new BinaryWriter(stream));
        byte[] expected =
        [
            1, // one entry
            1, (byte)'w', // its name
            6, // Float32
            2, 1, 0x82, 0x01, // two dimensions: 1 and 130
            .. Enumerable.Range(0, 130).SelectMany(i => BitConverter.GetBytes((float)i)),
        ];
        Assert.Equal(expected, stream.ToArray());
    }

    [Fact]
    public void A_view_that_is_not_contiguous_is_saved_in_the_order_of_its_elements()
    {
        using DisposeScope scope = NewDisposeScope();
        using MemoryStream stream = new();
        Tensor transposed = arange(6).reshape(2, 3).t();
        transposed.contiguous().Save(new BinaryWriter(stream));
        stream.Position = 0;
        Tensor loaded = TensorExtensionMethods.Load(new BinaryReader(stream));
        Assert.Equal([3, 2], loaded.shape);
        Assert.Equal([0L, 3, 1, 4, 2, 5], loaded.data<long>().ToArray());
    }

    [Fact]
    public void What_does_not_fit_is_refused_when_strict_and_left_alone_when_not()
    {
        using Model model = new(ScalarType.Float32);
        using Tiny tiny = new();
        using MemoryStream stream = new();
        model.save(new BinaryWriter(stream));
        Assert.Throws<ArgumentException>(() => Reread(stream, tiny));
        Dictionary<string, bool> seen = [];
        byte[] before = Bytes(tiny);
        stream.Position = 0;
        tiny.load(new BinaryReader(stream), strict: false, loadedParameters: seen);
        Assert.Equal(before, Bytes(tiny));
        Assert.Equal(model.state_dict().Keys, seen.Keys);
        Assert.All(seen.Values, Assert.False);

        using Model wide = new(ScalarType.Float64);
        Assert.Throws<ArgumentException>(() => Reread(stream, wide));
        Assert.Throws<FileNotFoundException>(() => { tiny.load("no such file"); });
    }

    [Fact]
    public void Skipped_entries_are_neither_saved_nor_loaded()
    {
        using Model saved = new(ScalarType.Float32);
        using Model loaded = new(ScalarType.Float32);
        byte[] kept = loaded.get_buffer("mean")!.bytes.ToArray();
        using MemoryStream stream = new();
        saved.save(new BinaryWriter(stream));
        stream.Position = 0;
        loaded.load(new BinaryReader(stream), skip: ["mean"]);
        Assert.Equal(kept, loaded.get_buffer("mean")!.bytes.ToArray());
        Assert.Equal(saved.get_parameter("body.0.weight")!.bytes.ToArray(), loaded.get_parameter("body.0.weight")!.bytes.ToArray());

        using MemoryStream shorter = new();
        saved.save(new BinaryWriter(shorter), skip: ["mean"]);
        Assert.True(shorter.Length < stream.Length);
    }

    [Fact]
    public void A_state_dictionary_is_copied_in()
    {
        using Model source = new(ScalarType.Float32);
        using Model target = new(ScalarType.Float32);
        (IList<string> missing, IList<string> unexpected) = target.load_state_dict(source.state_dict());
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        Assert.Equal(Bytes(source), Bytes(target));

        Dictionary<string, Tensor> partial = source.state_dict();
        partial.Remove("mean");
        partial["extra"] = source.get_buffer("mean")!;
        Assert.Throws<InvalidOperationException>(() => target.load_state_dict(partial));
        (missing, unexpected) = target.load_state_dict(partial, strict: false);
        Assert.Equal(["mean"], missing);
        Assert.Equal(["extra"], unexpected);
    }

    [Fact]
    public void Loading_leaves_no_tensor_behind()
    {
        using Model model = new(ScalarType.Float32);
        using MemoryStream stream = new();
        model.save(new BinaryWriter(stream));
        long before = Live.Tensors;
        stream.Position = 0;
        model.load(new BinaryReader(stream), skip: ["mean"]);
        Assert.Equal(before, Live.Tensors);
    }

    private static void Reread(MemoryStream stream, nn.Module module)
    {
        stream.Position = 0;
        module.load(new BinaryReader(stream));
    }

    private static byte[] Bytes(nn.Module module) => [.. module.state_dict().Values.SelectMany(tensor => tensor.bytes.ToArray())];

    private sealed class Model : nn.Module<Tensor, Tensor>
    {
        private readonly Sequential body = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2, hasBias: false));
        private readonly Embedding table = nn.Embedding(4, 3);
        private readonly Tensor mean = randn(3);

        public Model(ScalarType dtype)
            : base(nameof(Model))
        {
            RegisterComponents();
            this.to(dtype);
        }

        public override Tensor forward(Tensor input) => body.call(table.call(input) - mean);
    }

    private sealed class Tiny : nn.Module
    {
        private readonly Parameter w = new(arange(130).to(ScalarType.Float32).reshape(1, 130));

        public Tiny()
            : base(nameof(Tiny)) => RegisterComponents();

        public override string ToString() => $"{w.dtype}";
    }
}
